import { expect, it } from 'vitest'
import { invalidInput, unavailable } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { clusterKeys, createMemoryStore, type Store } from '../../src/discovery/index.ts'
import { StatusReporter } from '../../src/node-agent/tasks/status-reporter.ts'
import { statusWithoutContainer } from '../../src/node-agent/tasks/task-status.ts'
import { taskRecord } from '../support/tasks.ts'

const keys = clusterKeys('c')

/** A reporter on a store that answers every transaction with `refuse` before it does what it is asked. */
async function report(refuse: (written: readonly string[]) => Error | undefined): Promise<string[]> {
  const clock = new ManualClock()
  const store = createMemoryStore({ clock })
  const refusing: Store = {
    ...store,
    list: prefix => store.list(prefix),
    txn: async (conditions, operations) => {
      const error = refuse(operations.map(operation => ('put' in operation ? operation.put : '')))
      if (error !== undefined) throw error
      return store.txn(conditions, operations)
    },
  }
  const reporter = new StatusReporter('n1', { store: refusing, keys, clock, log: silentLog })
  for (const id of ['t1', 't2', 't3']) {
    reporter.report(statusWithoutContainer(taskRecord({ id }), 'n1', { state: 'preparing', before: undefined }))
  }
  const stop = new AbortController()
  const running = reporter.run(stop.signal)
  await clock.advance(1_000)
  stop.abort()
  await running
  const { items } = await store.list(keys.statusOf('n1', ''))
  return items.map(({ key }) => key)
}

it('tells of the other tasks when the store refuses the status of one for good', async () => {
  const isBad = (written: readonly string[]): boolean => written.includes(keys.statusOf('n1', 't2'))
  const written = await report(all => (isBad(all) ? invalidInput('TOO_LARGE', 'the value is too large') : undefined))
  expect(written).toEqual([keys.statusOf('n1', 't1'), keys.statusOf('n1', 't3')])
})

it('tells of all of them, later, when the store was away', async () => {
  let tries = 0
  const written = await report(() => (tries++ === 0 ? unavailable('STORE_UNAVAILABLE', 'away') : undefined))
  expect(written).toHaveLength(3)
})
