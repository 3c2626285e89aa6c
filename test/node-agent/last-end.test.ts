import { afterEach, beforeEach, expect, it } from 'vitest'
import { taskRecord } from '../support/tasks.ts'
import { AgentUnderTest } from './agent-under-test.ts'

let node: AgentUnderTest
beforeEach(async () => {
  node = new AgentUnderTest()
  await node.start()
  await node.assign(taskRecord())
})
afterEach(() => node.kill())

it('keeps the last that its container printed before it failed, and no more than that', async () => {
  const said = Array.from({ length: 30 }, (_, index) => ({
    stream: 'stderr' as const,
    data: Buffer.from(`line ${index} ${'x'.repeat(1_000)}\r\n`),
    time: `2026-01-01T00:00:${index + 10}Z`,
  }))
  node.engine.printed.set('shop-web-1', said)
  node.engine.exit('shop-web-1', 3)
  await node.settle()
  const { lastEnd, state } = (await node.status('t1')) ?? {}
  expect(state).toBe('failed')
  expect(lastEnd?.exitCode).toBe(3)
  expect(lastEnd?.printed).toHaveLength(20)
  expect(lastEnd?.printed[0]).toEqual({
    stream: 'stderr',
    time: '2026-01-01T00:00:20Z',
    text: `line 10 ${'x'.repeat(192)}`,
  })
  await node.assign(taskRecord({ desired: 'stopped' }))
  expect(node.engine.summary).toEqual([])
  expect((await node.status('t1'))?.lastEnd).toEqual(lastEnd)
})

it('keeps how its last run ended while it is restarted, even if its log cannot be read', async () => {
  node.engine.restarting('shop-web-1', 4)
  await node.settle()
  node.engine.restarted('shop-web-1')
  await node.settle()
  const lastEnd = { exitCode: 4, printed: [] }
  expect(await node.status('t1')).toMatchObject({ state: 'running', restarts: 1, lastEnd })
  node.engine.restarted('shop-web-1')
  await node.settle()
  // Nobody saw the code of that.
  expect((await node.status('t1'))?.lastEnd).toEqual({ printed: [] })
})

it('says nothing of how an earlier run ended when nobody saw the end of the last', async () => {
  node.engine.restarting('shop-web-1', 4)
  await node.settle()
  node.engine.restarted('shop-web-1')
  await node.settle()
  await node.engine.engine.containers.remove('shop-web-1', { force: true, volumes: false })
  await node.settle()
  const status = await node.status('t1')
  expect(status).toMatchObject({ state: 'failed', error: expect.stringContaining('The container is gone') })
  expect(status).not.toHaveProperty('lastEnd')
})
