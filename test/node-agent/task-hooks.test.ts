import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TaskRecord } from '../../src/core/model/task.ts'
import { serviceSpec, taskRecord } from '../support/tasks.ts'
import { AgentUnderTest } from './agent-under-test.ts'

let node: AgentUnderTest
beforeEach(async () => {
  node = new AgentUnderTest()
  await node.start()
})
afterEach(() => node.kill())

const HOOKED = taskRecord({
  spec: serviceSpec({
    postStart: [{ command: ['migrate'] }, { command: ['warm'] }],
    preStop: [{ command: ['drain'] }],
  }),
})

/** Holds what is called so until it is let go. */
function hold(call: string): () => void {
  const held = Promise.withResolvers<void>()
  node.engine.pause = (name, subject) => (`${name} ${subject}` === call ? held.promise : Promise.resolve())
  return () => held.resolve()
}

async function stop(task: TaskRecord): Promise<void> {
  await node.assign({ ...task, desired: 'stopped' })
}

describe('what a service wants done in its containers', () => {
  it('is done in order before the task is said to run and serves', async () => {
    const release = hold('exec shop-web-1: warm')
    await node.assign(HOOKED)
    expect((await node.status('t1'))?.state).toBe('starting')
    expect(node.overlay.published.get('t1')).not.toBe(true)
    release()
    await node.settle()
    expect((await node.status('t1'))?.state).toBe('running')
    expect(node.overlay.published.get('t1')).toBe(true)
    expect(node.engine.calls.filter(call => /^(?:start|exec)/.test(call))).toEqual([
      'start shop-web-1',
      'exec shop-web-1: migrate',
      'exec shop-web-1: warm',
    ])
  })

  it('fails the task when it fails, with what it said, and nothing after it is done', async () => {
    node.engine.ran = () => ({ code: 3, output: 'no such table\n' })
    await node.assign(HOOKED)
    await node.advance(1_000)
    expect(await node.status('t1')).toMatchObject({
      state: 'failed',
      error: 'web post_start.0 hook exited with status 3: no such table',
    })
    expect(node.engine.summary).toEqual(['shop-web-1 exited'])
    expect(node.engine.calls.filter(call => call.startsWith('exec'))).toEqual(['exec shop-web-1: migrate'])
  })

  it.each([
    ['exited', () => node.engine.exit('shop-web-1', 3)],
    ['restarting', () => node.engine.restarting('shop-web-1', 3)],
  ])('is not the reason if the container has ended over it: %s', async (_status, end) => {
    node.engine.printed.set('shop-web-1', [
      { stream: 'stdout', time: '2026-01-01T00:00:01Z', data: Buffer.from('no\n') },
    ])
    node.engine.ran = () => {
      end()
      return { code: 137, output: '' }
    }
    await node.assign(HOOKED)
    await node.advance(1_000)
    expect(await node.status('t1')).toMatchObject({
      state: 'failed',
      error: 'The container exited with code 3',
      containerId: expect.any(String),
      lastEnd: { printed: [{ text: 'no' }] },
    })
  })

  it('fails the task when it does not end', async () => {
    hold('exec shop-web-1: migrate')
    await node.assign(HOOKED)
    await node.advance(301_000)
    expect(await node.status('t1')).toMatchObject({
      state: 'failed',
      error: expect.stringMatching(/not ended in 300 s/),
    })
  })

  it('is done from the beginning by an agent whose predecessor died over it', async () => {
    hold('exec shop-web-1: warm')
    await node.assign(HOOKED)
    await node.kill()
    node.engine.pause = () => Promise.resolve()
    node.engine.calls.length = 0
    await node.start()
    expect((await node.status('t1'))?.state).toBe('running')
    expect(node.engine.calls.filter(call => call.startsWith('exec'))).toHaveLength(2)
    await node.kill()
    node.engine.calls.length = 0
    await node.start()
    expect(node.engine.calls).toEqual([])
  })

  it('is done before the container is stopped, which it cannot keep from being stopped', async () => {
    await node.assign(HOOKED)
    node.engine.calls.length = 0
    node.engine.ran = () => ({ code: 1, output: '' })
    await stop(HOOKED)
    expect(node.engine.calls.slice(0, 2)).toEqual(['exec shop-web-1: drain', 'stop shop-web-1'])
    expect(await node.status('t1')).toMatchObject({
      state: 'stopped',
      error: 'web pre_stop.0 hook exited with status 1',
    })
  })

  it('has as long as a container has to stop, and a minute at least', async () => {
    await node.assign(HOOKED)
    hold('exec shop-web-1: drain')
    await stop(HOOKED)
    await node.advance(59_000)
    expect(node.engine.summary).toEqual(['shop-web-1 running'])
    await node.advance(1_000)
    expect((await node.status('t1'))?.state).toBe('stopped')
  })

  it('has no more time if it is more than one thing', async () => {
    const task = taskRecord({ spec: serviceSpec({ preStop: [{ command: ['drain'] }, { command: ['flush'] }] }) })
    await node.assign(task)
    const release = hold('exec shop-web-1: drain')
    await stop(task)
    await node.advance(40_000)
    hold('exec shop-web-1: flush')
    release()
    await node.advance(19_000)
    expect(node.engine.calls.slice(-1)).toEqual(['exec shop-web-1: flush'])
    expect(node.engine.summary).toEqual(['shop-web-1 running'])
    await node.advance(1_000)
    expect(await node.status('t1')).toMatchObject({
      state: 'stopped',
      error: expect.stringMatching(/not ended in 60 s/),
    })
  })

  it('has ended when the command has, which may close its streams before', async () => {
    let code: number | null = null
    node.engine.ran = () => ({ code, output: '' })
    await node.assign(HOOKED)
    await node.advance(2_000)
    expect((await node.status('t1'))?.state).toBe('starting')
    code = 3
    await node.advance(1_000)
    expect(await node.status('t1')).toMatchObject({
      state: 'failed',
      error: expect.stringMatching(/exited with status 3/),
    })
  })

  it('is not done in a container that has ended by itself', async () => {
    await node.assign(HOOKED)
    node.engine.calls.length = 0
    node.engine.exit('shop-web-1', 0)
    await node.settle()
    expect(node.engine.calls).toEqual([])
  })
})
