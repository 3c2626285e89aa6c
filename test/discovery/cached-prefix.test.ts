import { expect, it } from 'vitest'
import type { Log } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { CachedPrefix, createMemoryStore, jsonCodec, type Store } from '../../src/discovery/index.ts'

interface Pet {
  readonly name: string
}
const codec = jsonCodec<Pet>('pet', { name: 'string' })

function setUp(wrap: (store: Store) => Store = store => store) {
  const clock = new ManualClock()
  const root = createMemoryStore({ clock })
  const logged: string[] = []
  const note = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { debug: note, info: note, warn: note, error: note }
  const put = (key: string, value: unknown) => root.txn([], [{ put: key, value: JSON.stringify(value) }])
  const open = () => new CachedPrefix<Pet>({ store: wrap(root), prefix: 'pets/', codec, clock, log })
  return { clock, root, put, open, logged }
}
const names = (cache: CachedPrefix<Pet>): string[] =>
  cache
    .values()
    .map(pet => pet.name)
    .sort()

it('is filled by list and kept by watch', async () => {
  const { clock, root, put, open } = setUp()
  await put('pets/1', { name: 'ada' })
  await put('plants/1', { name: 'fern' })
  const cache = open()
  const seen: string[] = []
  cache.onChange(changes => {
    for (const change of changes)
      seen.push(change.type === 'put' ? `+${change.entry.value.name}` : `-${change.before.value.name}`)
  })
  await cache.ready()
  expect(names(cache)).toEqual(['ada'])
  await put('pets/2', { name: 'bob' })
  await put('pets/1', { name: 'eve' })
  await root.txn([], [{ delete: 'pets/2' }])
  await clock.advance(10)
  expect(names(cache)).toEqual(['eve'])
  expect(seen).toEqual(['+ada', '+bob', '+eve', '-bob'])
  expect(cache.revision).toBe((await root.list('')).revision)
  cache.close()
})

it('keeps unknown fields, skips bad records by name, and drops a value that turned bad', async () => {
  const { clock, root, put, open, logged } = setUp()
  await put('pets/1', { name: 'ada', colour: 'red' })
  await put('pets/2', { name: 7 })
  await root.txn([], [{ put: 'pets/3', value: 'not json' }])
  const cache = open()
  await cache.ready()
  expect(cache.values()).toEqual([{ name: 'ada', colour: 'red' }])
  expect(logged.filter(line => line.includes('pets/2'))[0]).toContain('name must be of type string, and is number')
  expect(logged.some(line => line.includes('pets/3'))).toBe(true)
  await put('pets/1', {})
  await clock.advance(10)
  expect(cache.size).toBe(0)
  cache.close()
})

it('finds in the next full list what the watch lost', async () => {
  const deaf = (store: Store): Store => ({
    ...store,
    // A watch that never delivers anything.
    async *watch(_prefix, _from, signal) {
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
      yield* []
    },
  })
  const { clock, root, put, open } = setUp(deaf)
  await put('pets/1', { name: 'ada' })
  const cache = open()
  await cache.ready()
  await put('pets/2', { name: 'bob' })
  await root.txn([], [{ delete: 'pets/1' }])
  await clock.advance(59_000)
  expect(names(cache)).toEqual(['ada'])
  await clock.advance(2_000)
  expect(names(cache)).toEqual(['bob'])
  cache.close()
})

it('lists again when its place in history was compacted', async () => {
  let held: (() => void) | undefined
  let hold = false
  const slow = (store: Store): Store => ({
    ...store,
    async *watch(prefix, from, signal) {
      if (hold) await new Promise<void>(resolve => (held = resolve))
      yield* store.watch(prefix, from, signal)
    },
  })
  const { clock, root, put, open } = setUp(slow)
  hold = true
  const cache = open()
  await cache.ready()
  await put('pets/1', { name: 'ada' })
  root.compact((await put('pets/2', { name: 'bob' })).revision)
  hold = false
  held?.()
  await clock.advance(1_000)
  expect(names(cache)).toEqual(['ada', 'bob'])
  expect(cache.staleMs()).toBe(0)
  cache.close()
})

it('keeps what it knows through an outage, says how old it is, and catches up', async () => {
  let up = true
  const flaky = (store: Store): Store => {
    const away = (): Error => Object.assign(new Error('away'), { code: 'STORE_UNAVAILABLE' })
    return {
      ...store,
      list: prefix => (up ? store.list(prefix) : Promise.reject(away())),
      async *watch(prefix, from, signal) {
        if (!up) throw away()
        for await (const batch of store.watch(prefix, from, signal)) {
          if (!up) throw away()
          yield batch
        }
      },
    }
  }
  const { clock, put, open } = setUp(flaky)
  await put('pets/1', { name: 'ada' })
  const cache = open()
  await cache.ready()
  up = false
  await put('pets/2', { name: 'bob' })
  await clock.advance(30_000)
  expect(names(cache)).toEqual(['ada'])
  expect(cache.staleMs()).toBeGreaterThan(29_000)
  up = true
  await clock.advance(6_000)
  expect(names(cache)).toEqual(['ada', 'bob'])
  expect(cache.staleMs()).toBe(0)
  cache.close()
})

it('gives changes as an iterable, and survives a listener that throws', async () => {
  const { clock, put, open } = setUp()
  const cache = open()
  await cache.ready()
  cache.onChange(() => {
    throw new Error('listener bug')
  })
  const controller = new AbortController()
  const keys: string[] = []
  const reading = (async () => {
    for await (const changes of cache.changes(controller.signal)) {
      for (const change of changes) keys.push(change.type === 'put' ? change.entry.key : change.key)
    }
  })()
  await put('pets/1', { name: 'ada' })
  await put('pets/2', { name: 'bob' })
  await clock.advance(10)
  controller.abort()
  await reading
  expect(keys).toEqual(['pets/1', 'pets/2'])
  cache.close()
})

it('rejects ready() when closed or given up before the first list', async () => {
  const { open } = setUp(store => ({ ...store, list: () => new Promise(() => {}) }))
  const cache = open()
  const controller = new AbortController()
  const waiting = cache.ready(controller.signal)
  controller.abort(new Error('given up'))
  await expect(waiting).rejects.toThrow('given up')
  const other = cache.ready()
  cache.close()
  await expect(other).rejects.toThrow('closed')
})
