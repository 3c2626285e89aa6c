import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BuildCache } from '../../../../src/runtime/build/cache/build-cache.ts'

describe('the file of the build cache', () => {
  let directory: string
  const cache = (): BuildCache => new BuildCache(join(directory, 'cache.json'), { findLayer: () => undefined })

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'shoal-cache-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('keeps what was put', async () => {
    const one = cache()
    await one.put('key', { madeMs: 1 })
    await one.save()
    await expect(cache().get('key')).resolves.toEqual({ madeMs: 1 })
    await expect(readdir(directory)).resolves.toEqual(['cache.json'])
  })

  it('is rid of a draft that a crash left, and keeps its entries', async () => {
    const one = cache()
    await one.put('key', { madeMs: 1 })
    await one.save()
    await writeFile(join(directory, 'cache.json.new'), '{"ke')
    const next = cache()
    await next.sweep()
    await expect(readdir(directory)).resolves.toEqual(['cache.json'])
    await expect(next.get('key')).resolves.toEqual({ madeMs: 1 })
  })

  it('is empty where it is damaged', async () => {
    await writeFile(join(directory, 'cache.json'), '{"ke')
    await expect(cache().get('key')).resolves.toBeUndefined()
  })
})
