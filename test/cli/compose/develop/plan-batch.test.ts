import { expect, it } from 'vitest'
import { planBatch } from '../../../../src/cli/commands/compose/develop/plan-batch.ts'
import { type WatchAction, watchRules } from '../../../../src/cli/commands/compose/develop/watch-rules.ts'

function change(service: string, action: WatchAction, ...written: readonly string[]) {
  const target = action.startsWith('sync') ? { target: '/app' } : {}
  const watch = [{ path: '/src', action, ...target, exec: { command: ['reload'] } }]
  const model = { services: { [service]: { build: {}, develop: { watch } } } }
  const [rule] = watchRules({ model }, [], () => '')
  if (rule === undefined) throw new Error('no rule')
  return { rule, changes: { written, removed: [] } }
}

const summary = (...batch: readonly ReturnType<typeof change>[]) =>
  planBatch(batch).map(({ service, rebuild, syncs, restart, execs, count }) => ({
    service,
    does: [
      ...(rebuild ? ['rebuild'] : []),
      ...syncs.map(() => 'sync'),
      ...(restart ? ['restart'] : []),
      ...execs.map(() => 'exec'),
    ],
    count,
  }))

it.each([
  ['sync', ['sync']],
  ['sync+restart', ['sync', 'restart']],
  ['sync+exec', ['sync', 'exec']],
  ['restart', ['restart']],
  ['rebuild', ['rebuild']],
] as const)('%s', (action, does) => {
  expect(summary(change('web', action, 'a', 'b'))).toEqual([{ service: 'web', does, count: 2 }])
})

it('a rebuild takes the place of all else for its service, and of nothing for others', () => {
  const batch = [change('web', 'sync', 'a'), change('db', 'restart', 'a'), change('web', 'rebuild', 'b')]
  expect(summary(...batch)).toEqual([
    { service: 'web', does: ['rebuild'], count: 2 },
    { service: 'db', does: ['restart'], count: 1 },
  ])
})

it('a file that two rules are about counts once', () => {
  expect(summary(change('web', 'sync', 'a'), change('web', 'restart', 'a'))).toEqual([
    { service: 'web', does: ['sync', 'restart'], count: 1 },
  ])
})
