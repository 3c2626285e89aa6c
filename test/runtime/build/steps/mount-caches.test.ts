import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MountCaches } from '../../../../src/runtime/build/steps/mount-caches.ts'

type Wanted = Parameters<MountCaches['open']>[0]

describe('cache mounts', () => {
  const { signal } = new AbortController()
  let folder: string
  let caches: MountCaches
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-caches-'))
    caches = new MountCaches(join(folder, 'mounts'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const wanted = (id: string, sharing: Wanted['sharing'] = 'shared'): Wanted => ({
    type: 'cache',
    target: '/cache',
    id,
    sharing,
    readOnly: false,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mode: 0o755,
  })
  /** Fills a cache as a build would, and leaves it. */
  const fill = async (id: string, files: number): Promise<string> => {
    await using cache = await caches.open(wanted(id), signal)
    for (let number = 0; number < files; number++) writeFileSync(join(cache.path, `${number}`), 'x')
    return cache.path
  }

  it('keep what is in them until they are cleared', async () => {
    const path = await fill('a', 3)
    expect(await fill('a', 0)).toBe(path)
    expect(readdirSync(path)).toHaveLength(3)
    expect(await caches.clear()).toEqual({ names: [expect.any(String)], bytes: 3 })
    expect(await caches.clear()).toEqual({ names: [], bytes: 0 })
    expect(existsSync(path)).toBe(false)
  })

  it('stay while a build uses them', async () => {
    await using cache = await caches.open(wanted('a'), signal)
    writeFileSync(join(cache.path, 'file'), 'x')
    expect(await caches.clear()).toEqual({ names: [], bytes: 0 })
    expect(readdirSync(cache.path)).toEqual(['file'])
  })

  it.each(['shared', 'private', 'locked'] as const)(
    'do not vanish from a build that opens a %s one while others are cleared',
    async sharing => {
      const paths = new Map([
        [await fill('a', 300), 'a'],
        [await fill('b', 300), 'b'],
      ])
      const clearing = caches.clear()
      const left = (): string[] => [...paths.keys()].filter(path => existsSync(path))
      while (left().length > 1) await setImmediate()
      await using cache = await caches.open(wanted(paths.get(left()[0] ?? '') ?? 'a', sharing), signal)
      writeFileSync(join(cache.path, 'own'), 'x')
      await clearing
      expect(existsSync(join(cache.path, 'own'))).toBe(true)
    },
  )

  it('wait for one another if they are locked, until the build is given up', async () => {
    const first = await caches.open(wanted('a', 'locked'), signal)
    const given = new AbortController()
    const second = caches.open(wanted('a', 'locked'), given.signal)
    const order: string[] = []
    const third = caches.open(wanted('a', 'locked'), signal).then(cache => {
      order.push('third')
      return cache
    })
    given.abort(new Error('the client went away'))
    await expect(second).rejects.toThrow('the client went away')
    await setImmediate()
    order.push('first ends')
    await first[Symbol.asyncDispose]()
    await using _cache = await third
    expect(order).toEqual(['first ends', 'third'])
    await expect(caches.open(wanted('b'), given.signal)).rejects.toThrow('the client went away')
  })
})
