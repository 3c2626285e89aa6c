import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store, WatchBatch, WatchEvent } from '../../src/discovery/index.ts'

/** One implementation of the Store, as the contract needs it. */
export interface StoreUnderTest {
  readonly store: Store
  /** Another client of the same data. */
  readonly connect: () => Promise<Store>
  /** Lets at least so much of the store's time go by. */
  readonly pass: (ms: number) => Promise<void>
  readonly compact: (revision: number) => Promise<void>
  /** Every key of the test stands under this prefix. */
  readonly prefix: string
  readonly dispose: () => Promise<void>
}

/** What every Store must do. Run on each implementation. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`Store contract: ${name}`, () => {
    let under: StoreUnderTest
    let store: Store
    const at = (key: string): string => `${under.prefix}${key}`
    const put = (key: string, value: string) => store.txn([], [{ put: at(key), value }])

    beforeEach(async () => {
      under = await open()
      store = under.store
    })
    afterEach(() => under.dispose())

    /** Reads a watch until `count` events came. */
    async function collect(fromRevision: number, count: number, prefix = under.prefix): Promise<WatchBatch[]> {
      const controller = new AbortController()
      const batches: WatchBatch[] = []
      for await (const batch of store.watch(prefix, fromRevision, controller.signal)) {
        batches.push(batch)
        if (batches.flatMap(b => b.events).length >= count) break
      }
      controller.abort()
      return batches
    }
    const brief = (event: WatchEvent): string =>
      event.type === 'put'
        ? `put ${event.kv.key.slice(under.prefix.length)}=${event.kv.value}`
        : `delete ${event.key.slice(under.prefix.length)}`

    it('reads back what was written, with revisions', async () => {
      expect(await store.get(at('a'))).toBeUndefined()
      const first = await put('a', '1')
      const second = await put('a', '2')
      expect(first.succeeded).toBe(true)
      expect(second.revision).toBe(first.revision + 1)
      expect(await store.get(at('a'))).toEqual({
        key: at('a'),
        value: '2',
        createRevision: first.revision,
        modRevision: second.revision,
      })
    })

    it('lists by prefix, sorted, at one revision', async () => {
      await put('b/2', 'x')
      await put('b/1', 'y')
      const { revision } = await put('c', 'z')
      const list = await store.list(at('b/'))
      expect(list.items.map(item => item.key)).toEqual([at('b/1'), at('b/2')])
      expect(list.revision).toBe(revision)
    })

    it('lists more keys than one page holds', async () => {
      for (let batch = 0; batch < 18; batch++) {
        const operations = Array.from({ length: 125 }, (_, i) => ({ put: at(`many/${batch}-${i}`), value: 'é' }))
        await store.txn([], operations)
      }
      const { items } = await store.list(at('many/'))
      expect(items).toHaveLength(2_250)
      expect(new Set(items.map(item => item.key)).size).toBe(2_250)
      expect(items.every((item, i) => i === 0 || (items[i - 1]?.key ?? '') < item.key)).toBe(true)
    })

    it('writes only if every comparison holds', async () => {
      const created = await store.txn([{ key: at('k'), exists: false }], [{ put: at('k'), value: '1' }])
      expect(created.succeeded).toBe(true)
      const again = await store.txn([{ key: at('k'), exists: false }], [{ put: at('k'), value: '2' }])
      expect(again).toEqual({ succeeded: false, revision: created.revision })
      const kv = await store.get(at('k'))
      const modRevision = kv?.modRevision ?? 0
      const swapped = await store.txn([{ key: at('k'), modRevision }], [{ put: at('k'), value: '3' }])
      expect(swapped.succeeded).toBe(true)
      const late = await store.txn([{ key: at('k'), modRevision }], [{ put: at('k'), value: '4' }])
      expect(late.succeeded).toBe(false)
      const fenced = await store.txn(
        [
          { key: at('k'), createRevision: kv?.createRevision ?? 0 },
          { key: at('k'), exists: true },
          { key: at('other'), modRevision: 0 },
        ],
        [{ put: at('other'), value: 'by the owner' }],
      )
      expect(fenced.succeeded).toBe(true)
      expect((await store.get(at('k')))?.value).toBe('3')
    })

    it('gives a new create revision to a key that was deleted', async () => {
      await put('k', '1')
      const before = await store.get(at('k'))
      await store.txn([], [{ delete: at('k') }])
      await put('k', '2')
      const stale = await store.txn(
        [{ key: at('k'), createRevision: before?.createRevision ?? 0 }],
        [{ put: at('k'), value: '3' }],
      )
      expect(stale.succeeded).toBe(false)
    })

    it('deletes a prefix and nothing beside it', async () => {
      await put('web/1', 'a')
      await put('web/2', 'b')
      await put('web2', 'c')
      await store.txn([], [{ deletePrefix: at('web/') }])
      expect((await store.list(under.prefix)).items.map(item => item.key)).toEqual([at('web2')])
    })

    it('refuses what etcd refuses: too many operations, too large a value, a key twice', async () => {
      const many = Array.from({ length: 129 }, (_, i) => ({ put: at(`${i}`), value: '' }))
      await expect(store.txn([], many)).rejects.toMatchObject({ code: 'TXN_TOO_LARGE' })
      await expect(store.txn([], [{ put: at('big'), value: 'x'.repeat(1024 * 1024 + 1) }])).rejects.toMatchObject({
        code: 'TXN_TOO_LARGE',
      })
      const twice = [
        { put: at('a'), value: '1' },
        { put: at('a'), value: '2' },
      ]
      await expect(store.txn([], twice)).rejects.toMatchObject({ code: 'TXN_DUPLICATE_KEY' })
      const putAndDelete = [{ put: at('b/1'), value: '1' }, { deletePrefix: at('b/') }]
      await expect(store.txn([], putAndDelete)).rejects.toMatchObject({ code: 'TXN_DUPLICATE_KEY' })
      expect((await store.list(under.prefix)).items).toEqual([])
      expect((await store.txn([], many.slice(0, 128))).succeeded).toBe(true)
    })

    it('watches history and then the present, whole revisions in order', async () => {
      const { revision } = await put('a', '1')
      await store.txn(
        [],
        [
          { put: at('a'), value: '2' },
          { put: at('b'), value: '3' },
        ],
      )
      const collecting = collect(revision, 5)
      await store.txn([], [{ delete: at('a') }])
      await put('c', '4')
      const batches = await collecting
      const flat = batches.flatMap(batch => batch.events).map(brief)
      expect(flat).toEqual(['put a=1', 'put a=2', 'put b=3', 'delete a', 'put c=4'])
      expect(batches.at(-1)?.revision).toBe(revision + 3)
      for (const { events, revision: upTo } of batches) {
        const revisions = events.map(event => (event.type === 'put' ? event.kv.modRevision : event.modRevision))
        expect(revisions.at(-1)).toBe(upTo)
      }
    })

    it('watches only its prefix', async () => {
      const { revision } = await put('x/1', '1')
      await put('y/1', '2')
      await put('x/2', '3')
      const batches = await collect(revision, 2, at('x/'))
      expect(batches.flatMap(batch => batch.events).map(brief)).toEqual(['put x/1=1', 'put x/2=3'])
    })

    it('ends a watch when its signal is aborted, without an error', async () => {
      const { revision } = await put('a', '1')
      const controller = new AbortController()
      const seen: string[] = []
      for await (const batch of store.watch(under.prefix, revision, controller.signal)) {
        seen.push(...batch.events.map(brief))
        controller.abort()
      }
      for await (const batch of store.watch(under.prefix, revision, controller.signal))
        seen.push(String(batch.revision))
      expect(seen).toEqual(['put a=1'])
    })

    it('says COMPACTED when history is gone, and when it is asked for the future', async () => {
      const { revision } = await put('a', '1')
      await put('a', '2')
      const last = await put('a', '3')
      await under.compact(last.revision)
      await expect(collect(revision, 1)).rejects.toMatchObject({ code: 'COMPACTED' })
      await expect(collect(last.revision + 1_000, 1)).rejects.toMatchObject({ code: 'COMPACTED' })
      const following = collect(last.revision + 1, 1)
      await put('a', '4')
      expect((await following).flatMap(batch => batch.events).map(brief)).toEqual(['put a=4'])
    })

    it('keeps a lease alive while its client lives', async () => {
      const lease = await store.grantLease(1_500)
      expect(lease.ttlMs).toBeGreaterThanOrEqual(1_500)
      await store.txn([], [{ put: at('mine'), value: 'here', lease }])
      expect((await store.get(at('mine')))?.leaseId).toBe(lease.id)
      await under.pass(lease.ttlMs * 2)
      expect((await store.get(at('mine')))?.value).toBe('here')
      expect(lease.lost.aborted).toBe(false)
    })

    it('removes the keys of a lease when it is revoked, and only those still on it', async () => {
      const lease = await store.grantLease(5_000)
      await store.txn(
        [],
        [
          { put: at('gone'), value: '1', lease },
          { put: at('kept'), value: '1', lease },
        ],
      )
      await put('kept', 'without lease')
      await lease.revoke()
      await lease.revoke()
      expect((await store.list(under.prefix)).items.map(item => item.key)).toEqual([at('kept')])
      await expect(store.txn([], [{ put: at('late'), value: '', lease }])).rejects.toMatchObject({ code: 'LEASE_GONE' })
    })

    it('removes the keys of a client that went away, and says so to watchers', async () => {
      const other = await under.connect()
      const lease = await other.grantLease(1_000)
      const { revision } = await other.txn([], [{ put: at('theirs'), value: '1', lease }])
      await other.close()
      const collecting = collect(revision + 1, 1)
      await under.pass(lease.ttlMs + 1_000)
      expect((await collecting).flatMap(batch => batch.events).map(brief)).toEqual(['delete theirs'])
    })

    it('refuses calls after it was closed', async () => {
      const other = await under.connect()
      await other.get(at('a'))
      await other.close()
      await expect(other.get(at('a'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    })
  })
}
