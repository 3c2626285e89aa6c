import { afterEach, expect, it } from 'vitest'
import type { ServiceSpec, UpdateSpec } from '../../src/core/model/service.ts'
import { projectView } from '../../src/manager/views.ts'
import { APPLY, makeWorld, projectSpec, type Script, serviceSpec, type World } from './support.ts'

let world: World
afterEach(() => world.close())

/** Everything of version 2 and 3 ends badly as soon as it runs. */
const BROKEN: Script = ({ spec }) => (/[23]$/.test(spec.container.image) ? { ends: 'failed', afterMs: 50 } : {})
const ROLLBACK: UpdateSpec = { failureAction: 'rollback' }

async function apply(version: number, more: Partial<ServiceSpec> = {}): Promise<void> {
  const web = serviceSpec('web', { replicas: 3, container: { image: `web:${version}` }, update: ROLLBACK, ...more })
  void world.manager.apply(projectSpec('shop', [web]), APPLY)
  await world.pass(30_000)
}

/** What runs, and what is said of it. */
function shown() {
  const view = projectView('shop', world.manager.snapshot())
  const live = (view?.tasks ?? []).filter(({ state, desired }) => state === 'running' && desired === 'running')
  const [service] = view?.services ?? []
  return {
    images: live.map(({ image }) => image),
    converged: service?.converged,
    rolledBack: service?.rolledBack,
    wanted: view?.spec.services[0]?.container.image,
  }
}

const RUNS_FIRST = { images: ['web:1', 'web:1', 'web:1'], converged: true }

it('takes an update back that fails, and says why', async () => {
  world = await makeWorld(['n1', 'n2'], BROKEN)
  await apply(1)
  expect(shown()).toEqual({ ...RUNS_FIRST, rolledBack: undefined, wanted: 'web:1' })
  const untouched = new Set(world.manager.snapshot().tasks.keys())
  await apply(2)
  expect(shown()).toEqual({ ...RUNS_FIRST, rolledBack: expect.stringMatching(/^shop-web-\d: /), wanted: 'web:1' })
  // One at a time was replaced, so the others never were.
  const kept = [...world.manager.snapshot().tasks.values()].filter(({ value }) => value.desired === 'running')
  expect(kept.filter(({ value }) => untouched.has(value.id))).toHaveLength(2)
})

it('keeps what was printed before the failure that had it taken back', async () => {
  const printed = [{ time: '2026-01-01T00:00:01Z', text: 'no such table', stream: 'stderr' as const }]
  const lastEnd = { exitCode: 3, printed }
  world = await makeWorld(['n1'], task => ({ ...BROKEN(task), lastEnd }))
  await apply(1)
  await apply(2)
  const [service] = projectView('shop', world.manager.snapshot())?.services ?? []
  expect(service).toMatchObject({ rolledBack: expect.stringMatching(/^shop-web-\d: it exited with code 3$/), printed })
  const failed = projectView('shop', world.manager.snapshot())?.tasks.filter(({ image }) => image === 'web:2')
  expect(failed).toEqual([expect.objectContaining({ state: 'failed', printed })])
  await apply(4)
  expect(projectView('shop', world.manager.snapshot())?.services[0]).not.toHaveProperty('printed')
})

it('does not show what an earlier run printed of a task that did not fail', async () => {
  const printed = [{ time: '2026-01-01T00:00:01Z', text: 'crashed a week ago', stream: 'stderr' as const }]
  world = await makeWorld(['n1'], () => ({ lastEnd: { exitCode: 3, printed } }))
  await apply(1)
  await apply(2)
  const tasks = projectView('shop', world.manager.snapshot())?.tasks ?? []
  expect(tasks.map(({ state }) => state)).toContain('stopped')
  expect(tasks.filter(task => task.printed !== undefined)).toEqual([])
})

it('takes back the only replica, and every replica where all are replaced at once', async () => {
  world = await makeWorld(['n1'], BROKEN)
  await apply(1, { replicas: 1 })
  await apply(2, { replicas: 1 })
  expect(shown()).toMatchObject({ images: ['web:1'], converged: true, wanted: 'web:1' })
  await apply(1)
  await apply(2, { update: { ...ROLLBACK, parallelism: 0 } })
  expect(shown()).toMatchObject(RUNS_FIRST)
})

it('goes back to what was well, past what was not', async () => {
  world = await makeWorld(['n1'], BROKEN)
  await apply(1)
  const web = serviceSpec('web', { replicas: 3, container: { image: 'web:2' }, update: ROLLBACK })
  void world.manager.apply(projectSpec('shop', [web]), APPLY)
  await world.pass(10)
  await apply(3)
  expect(shown()).toMatchObject({ ...RUNS_FIRST, wanted: 'web:1' })
})

it('keeps the number that was asked for, and forgets with the next change', async () => {
  world = await makeWorld(['n1'], BROKEN)
  await apply(1)
  await apply(2, { replicas: 2 })
  expect(shown()).toMatchObject({ images: ['web:1', 'web:1'], converged: true })
  await apply(4, { replicas: 2 })
  expect(shown()).toEqual({ images: ['web:4', 'web:4'], converged: true, rolledBack: undefined, wanted: 'web:4' })
})

it('does not take back what has proved itself when it fails later', async () => {
  let isBroken = false
  world = await makeWorld(['n1'], task => (isBroken ? BROKEN(task) : {}))
  await apply(1)
  await apply(2)
  isBroken = true
  void world.manager.updateNode('n1', { availability: 'drain' })
  await world.addNode('n2')
  await world.pass(20_000)
  expect(shown()).toMatchObject({ rolledBack: undefined, wanted: 'web:2' })
})

it('pauses where that is asked for', async () => {
  world = await makeWorld(['n1'], BROKEN)
  await apply(1, { update: {} })
  await apply(2, { update: { monitorMs: 1_000 } })
  expect(shown()).toMatchObject({ images: ['web:1', 'web:1'], rolledBack: undefined, wanted: 'web:2' })
})
