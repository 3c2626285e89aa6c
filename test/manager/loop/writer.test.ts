import { beforeEach, expect, it } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { clusterKeys, createElection, createMemoryStore, type Store } from '../../../src/discovery/index.ts'
import { FencedWriter } from '../../../src/manager/loop/writer.ts'

const keys = clusterKeys('test')
const candidate = { id: 'a', address: 'a:3375' }

/** A leader whose transactions may be late, or their answers lost. */
async function leader() {
  const clock = new ManualClock()
  const server = createMemoryStore({ clock })
  const election = createElection({ store: server.connect(), keys, candidate, clock, log: silentLog })
  const electing = election.campaign(new AbortController().signal)
  await clock.advance(100)
  const term = await electing
  election.close()
  let requestsLateMs = 0
  let answers: 'through' | 'lost' = 'through'
  const store: Store = server.connect({
    carry: async what => {
      if (what === 'reply') return answers
      const late = Promise.withResolvers<'through'>()
      clock.setTimer(requestsLateMs, () => late.resolve('through'))
      return late.promise
    },
    isUp: () => true,
    onRestored: () => () => {},
  })
  const wrote: [string, number][] = []
  const note = (names: readonly string[], revision: number): void => {
    for (const name of names) wrote.push([name, revision])
  }
  return {
    server,
    wrote,
    term,
    writer: new FencedWriter({ store, keys, wrote: note }, term),
    slow: (ms: number) => (requestsLateMs = ms),
    answers: (how: typeof answers) => (answers = how),
    after: async <T>(ms: number, work: Promise<T>): Promise<T> => {
      work.catch(() => {})
      await clock.advance(ms)
      return work
    },
  }
}

const create = (id: string) => ({
  compares: [{ key: keys.task('n1', id), exists: false }],
  operations: [{ put: keys.task('n1', id), value: id }],
})

let lead: Awaited<ReturnType<typeof leader>>
beforeEach(async () => {
  lead = await leader()
})

it('a decision that was given up comes to nothing, however late it arrives', async () => {
  const { server, writer, slow, after } = lead
  slow(8_000)
  await expect(after(4_000, writer.writeAll([create('late')]))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  slow(0)
  await after(10, writer.settle())
  expect(await after(10, writer.writeAll([create('again')]))).toEqual({ written: 1, refused: 0 })
  await after(10_000, Promise.resolve())
  const found = await server.list(keys.tasks)
  expect(found.items.map(({ value }) => value)).toEqual(['again'])
})

it('a decision that was made without an answer is waited for before the next', async () => {
  const { server, writer, wrote, answers, after } = lead
  answers('lost')
  await expect(after(4_000, writer.writeAll([create('unseen')]))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  await expect(after(4_000, writer.settle())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(wrote).toEqual([])
  answers('through')
  await after(10, writer.settle())
  const key = keys.task('n1', 'unseen')
  expect(wrote).toEqual([[key, (await server.get(key))?.modRevision]])
})

it('a renewal that comes late is followed by another, and nothing else is lost', async () => {
  const { writer, slow, after, server } = lead
  slow(8_000)
  await expect(after(4_000, writer.writeAll([create('late')]))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  slow(0)
  await after(10, writer.settle())
  // As one that was sent before.
  const election = await server.get(keys.election)
  await server.txn([], [{ put: keys.election, value: election?.value ?? '' }])
  expect(await after(10, writer.writeAll([create('one')]))).toEqual({ written: 0, refused: 1 })
  await after(10, writer.settle())
  expect(await after(10, writer.writeAll([create('one')]))).toEqual({ written: 1, refused: 0 })
})

it('says so when another leads', async () => {
  const { writer, server, after, slow } = lead
  slow(8_000)
  await expect(after(4_000, writer.writeAll([create('late')]))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  slow(0)
  await server.txn([], [{ delete: keys.election }])
  await server.txn([], [{ put: keys.election, value: '{"id":"b","address":"b:3375"}' }])
  await expect(after(10, writer.settle())).rejects.toMatchObject({ code: 'NOT_LEADER' })
  await expect(after(10, writer.write(create('mine')))).rejects.toMatchObject({ code: 'NOT_LEADER' })
})
