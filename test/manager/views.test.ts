import { afterEach, expect, it } from 'vitest'
import { projectView } from '../../src/manager/views.ts'
import { APPLY, keys, makeWorld, projectSpec, serviceSpec, type World } from './support.ts'

let world: World
afterEach(() => world.close())

it('shows a task whose container is paused as such', async () => {
  world = await makeWorld(['n1'])
  void world.manager.apply(projectSpec('shop', [serviceSpec('web')]), APPLY)
  await world.pass(2_000)
  const shown = () => projectView('shop', world.manager.snapshot())?.tasks.map(({ state, paused }) => [state, paused])
  expect(shown()).toEqual([['running', undefined]])
  const [status] = [...world.manager.snapshot().status.values()].map(({ value }) => value)
  if (status === undefined) throw new Error('no task has told how it is')
  const value = JSON.stringify({ ...status, paused: true })
  await world.store.txn([], [{ put: keys.statusOf('n1', status.taskId), value }])
  await world.pass(1_000)
  expect(shown()).toEqual([['running', true]])
})
