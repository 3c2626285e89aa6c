import { afterEach, expect, it } from 'vitest'
import { projectView } from '../../src/manager/views.ts'
import { APPLY, keys, makeWorld, projectSpec, serviceSpec, type World } from './support.ts'

let world: World
afterEach(() => world.close())

it('shows the ports of what runs, and none of what has ended or is on a host that is gone', async () => {
  world = await makeWorld(['n1', 'n2'])
  const port = { published: 8080, target: 80, protocol: 'tcp', mode: 'ingress' } as const
  const apply = (image: string) =>
    void world.manager.apply(projectSpec('shop', [serviceSpec('web', { container: { image }, ports: [port] })]), APPLY)
  const shown = () =>
    projectView('shop', world.manager.snapshot())
      ?.tasks.map(({ state, ports, address }) => [state, ports.join(), address])
      .toSorted()
  const ports = '*:8080->80/tcp'
  apply('web:1')
  await world.pass(2_000)
  expect(shown()).toEqual([['running', ports, '10.0.0.1']])
  apply('web:2')
  await world.pass(10_000)
  const [running, stopped, ...others] = shown() ?? []
  expect([running?.slice(0, 2), stopped?.slice(0, 2), others]).toEqual([['running', ports], ['stopped', ''], []])
  await world.agents.get(running?.[2] === '10.0.0.1' ? 'n1' : 'n2')?.kill()
  await world.pass(20_000)
  expect(shown()?.map(row => row.slice(0, 2))).toContainEqual(['orphaned', ''])
  expect(shown()?.filter(([, text]) => text !== '')).toHaveLength(1)
})

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
