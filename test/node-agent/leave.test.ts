import { beforeEach, expect, it } from 'vitest'
import { failed } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { leaveCluster } from '../../src/node-agent/index.ts'
import { taskRecord } from '../support/tasks.ts'
import { AgentUnderTest, KEYS } from './agent-under-test.ts'

let node: AgentUnderTest
beforeEach(async () => {
  node = new AgentUnderTest()
  await node.start()
  await node.assign(taskRecord())
  await node.kill()
})

const leave = (networks: boolean, memberId = node.memory?.id ?? '') =>
  leaveCluster(
    { name: 'n1', memberId, networks },
    {
      engine: node.engine.engine,
      store: node.server,
      keys: KEYS,
      overlay: node.overlay.overlay,
      log: silentLog,
    },
  )

it('ends the membership at once, and removes containers and addresses of tasks', async () => {
  await node.engine.engine.containers.create({ Image: 'web:1' }, { name: 'mine' })
  expect(node.overlay.tasks).toEqual(['t1'])
  expect(await leave(false)).toBe(true)
  expect(await node.server.get(KEYS.member('n1'))).toBeUndefined()
  expect(node.engine.summary).toEqual(['mine created'])
  expect([node.overlay.tasks, node.overlay.removed]).toEqual([[], []])
})

it("leaves containers that only carry a task's label, as those of an image that was made of one may", async () => {
  const Labels = { 'shoal.task.id': 't1', 'com.docker.swarm.id': 'one by one' }
  await node.engine.engine.containers.create({ Image: 'web:1', Labels }, { name: 'copy' })
  expect(await leave(false)).toBe(true)
  expect(node.engine.summary).toEqual(['copy created'])
})

it('removes the networks of the cluster when asked to', async () => {
  await leave(true)
  expect(node.overlay.removed).toEqual(['shop_default'])
})

it('leaves the membership of another who has the name by now', async () => {
  expect(await leave(false, 'somebody else')).toBe(true)
  expect(await node.server.get(KEYS.member('n1'))).toBeDefined()
})

it('does all it can, and says when that was not all', async () => {
  node.engine.fault = call => (call === 'remove' ? failed('STUCK', 'device is busy') : undefined)
  expect(await leave(true)).toBe(false)
  expect(await node.server.get(KEYS.member('n1'))).toBeUndefined()
  expect([node.overlay.tasks, node.overlay.removed]).toEqual([[], ['shop_default']])
})
