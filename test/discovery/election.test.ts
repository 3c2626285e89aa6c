import { afterEach, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import {
  clusterKeys,
  createElection,
  createMemoryStore,
  type Election,
  type Leadership,
} from '../../src/discovery/index.ts'

const keys = clusterKeys('test')
const running: Election[] = []
afterEach(() => {
  for (const election of running.splice(0)) election.close()
})

function cluster() {
  const clock = new ManualClock()
  const root = createMemoryStore({ clock })
  const candidate = (id: string) => {
    const store = root.connect()
    const election = createElection({ store, keys, candidate: { id, address: `${id}:3375` }, clock, log: silentLog })
    running.push(election)
    const terms: Leadership[] = []
    const controller = new AbortController()
    const campaign = (): void => {
      election.campaign(controller.signal).then(
        term => terms.push(term),
        () => {},
      )
    }
    campaign()
    return { store, election, terms, campaign, controller }
  }
  return { clock, root, candidate }
}

it('elects one of several and tells the others its address', async () => {
  const { clock, candidate } = cluster()
  const [a, b] = [candidate('a'), candidate('b')]
  await clock.advance(2_000)
  expect(a.terms.length + b.terms.length).toBe(1)
  expect(b.election.leader()).toEqual(a.election.leader())
  expect(b.election.leader()?.address).toBe(a.terms.length === 1 ? 'a:3375' : 'b:3375')
})

it('replaces a dead leader within five seconds, with a greater token', async () => {
  const { clock, candidate } = cluster()
  const a = candidate('a')
  await clock.advance(100)
  const b = candidate('b')
  await clock.advance(60_000)
  expect([a.terms.length, b.terms.length]).toEqual([1, 0])
  await a.store.close()
  await clock.advance(5_000)
  expect(b.terms.length).toBe(1)
  expect(b.terms[0]!.token).toBeGreaterThan(a.terms[0]!.token)
})

it('hands over at once when the leader resigns', async () => {
  const { clock, candidate } = cluster()
  const a = candidate('a')
  await clock.advance(100)
  const b = candidate('b')
  await clock.advance(1_000)
  await a.terms[0]!.resign()
  expect(a.terms[0]!.lost.aborted).toBe(true)
  await clock.advance(100)
  expect(b.terms.length).toBe(1)
})

it('refuses what a former leader writes', async () => {
  const { clock, candidate, root } = cluster()
  const a = candidate('a')
  await clock.advance(100)
  const term = a.terms[0]!
  const key = keys.service('x')
  expect((await term.fencedTxn([], [{ put: key, value: '1' }])).succeeded).toBe(true)
  await expect(term.confirm()).resolves.toBeUndefined()
  await root.txn([], [{ delete: keys.election }])
  await clock.advance(10)
  expect(term.lost.aborted).toBe(true)
  expect((await term.fencedTxn([], [{ put: key, value: '2' }])).succeeded).toBe(false)
  a.campaign()
  await clock.advance(1_000)
  await expect(term.confirm()).rejects.toMatchObject({ code: 'NOT_LEADER', status: 503 })
  expect((await term.fencedTxn([], [{ put: key, value: '2' }])).succeeded).toBe(false)
  expect((await a.terms[1]!.fencedTxn([], [{ put: key, value: '3' }])).succeeded).toBe(true)
})

it('renews a term: what compares the edition before is refused, and nobody else notices', async () => {
  const { clock, candidate, root } = cluster()
  const a = candidate('a')
  await clock.advance(100)
  const b = candidate('b')
  await clock.advance(100)
  const term = a.terms[0]!
  const edition = await term.renew()
  expect(edition).toBeGreaterThan(term.token)
  expect((await root.txn([{ key: keys.election, modRevision: term.token }], [])).succeeded).toBe(false)
  expect((await root.txn([{ key: keys.election, modRevision: edition }], [])).succeeded).toBe(true)
  await clock.advance(60_000)
  await expect(term.confirm()).resolves.toBeUndefined()
  expect(b.terms).toEqual([])
  expect(b.election.leader()?.address).toBe('a:3375')
  // It still hangs on its lease.
  await term.resign()
  await clock.advance(1_000)
  expect(b.terms.length).toBe(1)
  await expect(term.renew()).rejects.toMatchObject({ code: 'NOT_LEADER', status: 503 })
})

it('says that the term is lost before the store gives the place to another', async () => {
  const clock = new ManualClock()
  const root = createMemoryStore({ clock })
  let up = true
  const link = {
    carry: async () => (up ? ('through' as const) : ('lost' as const)),
    isUp: () => up,
    onRestored: () => () => {},
  }
  const election = createElection({
    store: root.connect(link),
    keys,
    candidate: { id: 'a', address: 'a:3375' },
    clock,
    log: silentLog,
  })
  running.push(election)
  const terms: Leadership[] = []
  void election.campaign(new AbortController().signal).then(term => terms.push(term))
  await clock.advance(100)
  let vacantAt: number | undefined
  let lostAt: number | undefined
  terms[0]!.lost.addEventListener('abort', () => (lostAt = clock.monotonicMs()))
  up = false
  for (let i = 0; i < 100; i++) {
    await clock.advance(100)
    if (vacantAt === undefined && (await root.get(keys.election)) === undefined) vacantAt = clock.monotonicMs()
  }
  expect(lostAt).toBeDefined()
  expect(lostAt).toBeLessThanOrEqual(vacantAt ?? 0)
})

it('stops a campaign that is given up', async () => {
  const { clock, candidate } = cluster()
  candidate('a')
  await clock.advance(100)
  const b = candidate('b')
  await clock.advance(100)
  b.controller.abort()
  await clock.advance(10_000)
  expect(b.terms).toEqual([])
})
