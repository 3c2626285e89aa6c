import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ImageStore } from '../../../src/runtime/images/index.ts'
import { entry, isRoot, leftovers, NOTHING, skopeo, soon, streamOf, tar, Workshop } from './support.ts'

describe.skipIf(!isRoot)('archives of images', () => {
  let workshop: Workshop
  beforeEach(() => {
    workshop = new Workshop()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  async function made(store: ImageStore, tags: readonly string[]): Promise<string> {
    const tree = workshop.path('tree')
    mkdirSync(join(tree, 'bin'), { recursive: true })
    writeFileSync(join(tree, 'bin/app'), '#!/bin/sh\n', { mode: 0o755 })
    symlinkSync('app', join(tree, 'bin/again'))
    return store.importRoot(tree, { config: { Cmd: ['app'], Labels: { a: 'b' } }, tags })
  }

  async function saved(store: ImageStore, references: readonly string[]): Promise<string> {
    const path = workshop.path('saved.tar')
    writeFileSync(path, Buffer.concat(await (await store.images.save(references)).toArray()))
    return path
  }

  it('loads what it saved, under the same names and ids', async () => {
    const store = await workshop.store('a')
    const id = await made(store, ['app:1', 'host:5000/app:2'])
    const other = await workshop.store('b')
    const path = await saved(store, ['app:1', 'host:5000/app:2'])
    const names = await other.images.load(streamOf(readFileSync(path)), soon())
    expect([...names].sort()).toEqual(['app:1', 'host:5000/app:2'])
    const { Size: _, ...inspected } = await other.images.inspect('app:1')
    expect(inspected).toMatchObject({ Id: id, RepoTags: ['app:1', 'host:5000/app:2'], Config: { Labels: { a: 'b' } } })
  })

  it('loads an image saved by its id under no name', async () => {
    const store = await workshop.store('a')
    const id = await made(store, ['app:1'])
    const other = await workshop.store('b')
    const path = await saved(store, [id])
    expect(await other.images.load(streamOf(readFileSync(path)), soon())).toEqual([id])
    expect((await other.images.inspect(id)).RepoTags).toEqual([])
  })

  it('writes archives that skopeo reads in both forms', async () => {
    const store = await workshop.store('a')
    const id = await made(store, ['app:1'])
    const path = await saved(store, ['app:1'])
    for (const form of ['docker-archive', 'oci-archive']) {
      skopeo('copy', '-q', `${form}:${path}`, `dir:${workshop.path(form)}`)
      const { config } = JSON.parse(readFileSync(workshop.path(form, 'manifest.json'), 'utf8')) as {
        config: { digest: string }
      }
      expect(config.digest).toBe(id)
    }
  })

  it('loads what skopeo writes in both forms', async () => {
    const store = await workshop.store('a')
    const id = await made(store, ['app:1'])
    const path = await saved(store, ['app:1'])
    const other = await workshop.store('b')
    skopeo('copy', '-q', `oci-archive:${path}`, `docker-archive:${workshop.path('d.tar')}:team/d:1`)
    expect(await other.images.load(streamOf(readFileSync(workshop.path('d.tar'))), soon())).toEqual(['team/d:1'])
    expect((await other.images.inspect('team/d:1')).RootFS).toEqual((await store.images.inspect(id)).RootFS)
    skopeo('copy', '-q', `oci-archive:${path}`, `oci-archive:${workshop.path('o.tar')}:team/o:1`)
    expect(await other.images.load(streamOf(readFileSync(workshop.path('o.tar'))), soon())).toEqual(['team/o:1'])
    expect((await other.images.inspect('team/o:1')).Id).toBe(id)
  })

  it.each([
    [
      'nothing of an image',
      () => tar(entry('hello', { content: 'x' })),
      'it has neither an index.json nor a manifest.json',
    ],
    ['no JSON', () => tar(entry('manifest.json', { content: '{' })), 'its manifest.json is not JSON'],
    [
      'a missing layer',
      () => tar(entry('manifest.json', { content: '[{"Config":"c","RepoTags":[],"Layers":["l"]}]' })),
      'the file "c" is missing',
    ],
    [
      'a config that is a link to outside',
      () =>
        tar(
          entry('manifest.json', { content: '[{"Config":"c","RepoTags":[],"Layers":[]}]' }),
          entry('c', { type: 'symlink', linkName: '/etc/hostname' }),
        ),
      'the file "c" is missing',
    ],
    ['names that lead out', () => tar(entry('../manifest.json', { content: '[]' })), 'leads out of the root'],
  ])('refuses an archive with %s', async (_name, archive, why) => {
    const store = await workshop.store('a')
    await expect(store.images.load(streamOf(archive()), soon())).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(why),
    })
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
  })

  it('refuses an archive whose blob was changed', async () => {
    const store = await workshop.store('a')
    await made(store, ['app:1'])
    const path = await saved(store, ['app:1'])
    const directory = workshop.path('opened')
    mkdirSync(directory)
    execFileSync('tar', ['xf', path, '-C', directory])
    const { layers } = await store.describe('app:1')
    writeFileSync(
      join(directory, 'blobs', (layers[0]?.digest ?? '').replace(':', '/')),
      Buffer.alloc(layers[0]?.size ?? 0),
    )
    const changed = execFileSync('tar', ['cf', '-', '-C', directory, '.'])
    const other = await workshop.store('b')
    await expect(other.images.load(streamOf(changed), soon())).rejects.toMatchObject({ code: 'WRONG_DIGEST' })
    expect(leftovers(workshop, 'b')).toEqual(NOTHING)
  })

  it('refuses an archive that is cut off', async () => {
    const store = await workshop.store('a')
    await made(store, ['app:1'])
    const bytes = readFileSync(await saved(store, ['app:1']))
    const other = await workshop.store('b')
    await expect(other.images.load(Readable.from([bytes.subarray(0, 700)]), soon())).rejects.toMatchObject({
      code: 'BAD_TAR',
    })
    expect(leftovers(workshop, 'b')).toEqual(NOTHING)
  })
})
