import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { createMemoryStore, memberCodec } from '../../../src/discovery/index.ts'
import { judgeEngine, type SystemInfo, type VersionInfo } from '../../../src/docker-api/index.ts'
import { arrange, type ListedEngine } from '../../../src/manager/engine-list/arrange.ts'
import { EngineList } from '../../../src/manager/engine-list/engine-list.ts'
import { keys, memberRecord } from '../support.ts'

function infoOf(name: string, more: Partial<SystemInfo> = {}): SystemInfo {
  const info = {
    ID: `ID-${name}`,
    Name: name,
    NCPU: 4,
    MemTotal: 2 ** 33,
    Labels: ['rack=left', 'node=me'],
    OSType: 'linux',
  }
  return { ...info, ...more } as Partial<SystemInfo> as SystemInfo
}
const VERSION = { ApiVersion: '1.41' } as Partial<VersionInfo> as VersionInfo

describe('an engine of the list', () => {
  const judge = (info: SystemInfo, knownId?: string, version = VERSION) =>
    judgeEngine('10.0.0.1:2375', { info, version }, { knownId, tls: false })

  it('is a node with its labels, but for the one that the manager gives', () => {
    expect(judge(infoOf('a'))).toMatchObject({
      member: { name: 'a', id: 'ID-a', apiAddress: '10.0.0.1:2375', address: '10.0.0.1', labels: { rack: 'left' } },
    })
  })

  it.each([
    [
      infoOf('a', { NCPU: 0 }),
      undefined,
      /^cannot get resources for this engine, make sure 10\.0\.0\.1:2375 is a Docker Engine, not/,
    ],
    [infoOf('a', { SystemStatus: [['Role', 'primary']] }), undefined, /not a Swarm manager$/],
    [infoOf('a', { Labels: ['x'] }), undefined, /contains an invalid label \(x\) not formatted as "key=value"/],
    [infoOf('a'), 'ID-b', /^Engine \(ID: ID-b, Addr: 10\.0\.0\.1:2375\) shows up with another ID:ID-a\./],
    [infoOf('', {}), undefined, /does not say its ID and its name/],
    [infoOf('../election'), undefined, /^engine 10\.0\.0\.1:2375 gives an ID or a name that is none/],
    [infoOf('two words'), undefined, /gives an ID or a name that is none/],
    [infoOf('a', { ID: 'x'.repeat(256) }), undefined, /gives an ID or a name that is none: .* up to 255 characters$/],
    [infoOf('a', { NCPU: '4' } as never), undefined, /^cannot get resources for this engine/],
    [infoOf('a', { Labels: [7] } as never), undefined, /contains an invalid label \(7\)/],
    [infoOf('a', { Labels: ['x'.repeat(1_000)] }), undefined, /contains an invalid label \(x{255}\) not/],
    [infoOf('a', { Labels: [`rack=${'x'.repeat(65_536)}`] }), undefined, /says more of itself than .*64 KiB at most$/],
    [infoOf('a', { KernelVersion: 'x'.repeat(65_536) }), undefined, /says more of itself/],
  ])('is none when it lies or is something else', (info, knownId, problem) => {
    expect(judge(info, knownId)).toEqual({ problem: expect.stringMatching(problem) })
  })

  it.each(['1.23', '', 'two'])('is none when it speaks API version "%s"', ApiVersion => {
    expect(judge(infoOf('a'), undefined, { ...VERSION, ApiVersion })).toEqual({
      problem: expect.stringMatching(/unsupported version of Docker Engine\. Please upgrade to at least 1\.12$/),
    })
  })
})

describe('two engines', () => {
  const listed = (address: string, name: string, id = name): ListedEngine => ({
    address,
    member: memberRecord(name, { id, apiAddress: address }),
    failures: 0,
  })

  it.each([
    [
      [listed('a:1', 'a', 'x'), listed('b:1', 'a', 'x')],
      'ID duplicated. x shared by this node b:1 and another node a:1',
    ],
    [
      [listed('a:1', 'a'), listed('b:1', 'a', 'y')],
      'Name duplicated. a shared by this node b:1 and another node a:1: give one host another name',
    ],
  ])('cannot be one node', (engines, reason) => {
    const { members, pending } = arrange(engines, { retries: 3, nodes: new Map() })
    expect(members.map(({ apiAddress }) => apiAddress)).toEqual(['a:1'])
    expect(pending).toEqual([{ address: 'b:1', reason }])
  })

  it('of cloned hosts that have names of their own are two nodes', () => {
    const engines = [listed('a:1', 'a', 'x'), listed('b:1', 'b', 'x')]
    expect(arrange(engines, { retries: 3, nodes: new Map() })).toMatchObject({ members: [{}, {}], pending: [] })
  })

  it('and the node stays who is it already', () => {
    const engines = [listed('a:1', 'a', 'x'), listed('b:1', 'a', 'x')]
    const { members } = arrange(engines, { retries: 3, nodes: new Map([['b:1', 'a']]) })
    expect(members.map(({ apiAddress }) => apiAddress)).toEqual(['b:1'])
  })
})

describe('the list', () => {
  let controller = new AbortController()
  afterEach(() => {
    controller.abort()
    controller = new AbortController()
  })

  it('makes nodes of engines that answer, bears some failures, and follows changes', async () => {
    const clock = new ManualClock()
    const store = createMemoryStore({ clock })
    const engines = new Map<string, SystemInfo | 'hangs'>([
      ['a:1', infoOf('a')],
      ['b:1', 'hangs'],
    ])
    const answer = async (address: string): Promise<SystemInfo> => {
      const info = engines.get(address)
      if (info === 'hangs') return new Promise(() => {})
      if (info === undefined) throw new Error('connect ECONNREFUSED')
      return info
    }
    let changed = Promise.withResolvers<readonly string[]>()
    async function* lists() {
      yield ['a:1', 'b:1', 'c:1']
      while (true) yield await changed.promise
    }
    const list = new EngineList(
      { minMs: 5_000, maxMs: 5_000, failures: 2 },
      {
        store,
        keys,
        clock,
        random: seededRandom(1),
        log: silentLog,
        connect: address => ({ info: () => answer(address), version: async () => VERSION, close: () => {} }),
        tls: false,
      },
    )
    list.run(lists(), controller.signal).catch(() => {})
    let askedAt: number | undefined
    void list.asked().then(revision => (askedAt = revision))
    const nodes = async (): Promise<string[]> =>
      (await store.list(keys.members)).items.map(({ value }) => {
        const { name, apiAddress } = memberCodec.decode(value)
        return `${name}@${apiAddress}`
      })
    await clock.advance(100)
    expect(await nodes()).toEqual(['a@a:1'])
    expect(list.pending()).toEqual([
      { address: 'b:1', reason: 'it was not asked yet' },
      { address: 'c:1', reason: 'connect ECONNREFUSED' },
    ])
    expect(askedAt).toBeUndefined()
    await clock.advance(4_500)
    expect(askedAt).toBe((await store.list(keys.members)).revision)
    expect(list.pending()[0]?.reason).toBe('The engine at b:1 does not answer')
    engines.set('c:1', infoOf('c'))
    engines.delete('a:1')
    await clock.advance(1_000)
    expect(await nodes()).toEqual(['a@a:1', 'c@c:1'])
    expect(list.failure('a')).toBeUndefined()
    await clock.advance(5_000)
    expect(await nodes()).toEqual(['c@c:1'])
    expect(list.failure('a')).toBe('connect ECONNREFUSED')
    // It moves to another address, under which it may be known once the other is gone.
    engines.set('d:1', infoOf('a'))
    const next = changed
    changed = Promise.withResolvers()
    next.resolve(['c:1', 'd:1'])
    await clock.advance(100)
    expect(await nodes()).toEqual(['a@d:1', 'c@c:1'])
    expect([list.failure('a'), list.pending()]).toEqual([undefined, []])
  })

  it('notes again what the store refused once, though nothing changes', async () => {
    const clock = new ManualClock()
    const store = createMemoryStore({ clock })
    let refusals = 1
    const list = new EngineList(
      { minMs: 5_000, maxMs: 5_000, failures: 2 },
      {
        store: {
          ...store,
          txn: async (compares, operations) => {
            if (refusals > 0 && operations.length > 0) throw new Error(`no leader ${refusals--}`)
            return store.txn(compares, operations)
          },
        },
        keys,
        clock,
        random: seededRandom(1),
        log: silentLog,
        connect: () => ({ info: async () => infoOf('a'), version: async () => VERSION, close: () => {} }),
        tls: false,
      },
    )
    async function* lists() {
      yield ['a:1']
      await new Promise(() => {})
    }
    list.run(lists(), controller.signal).catch(() => {})
    await clock.advance(100)
    expect((await store.list(keys.members)).items).toEqual([])
    await clock.advance(5_000)
    expect((await store.list(keys.members)).items).toHaveLength(1)
  })
})
