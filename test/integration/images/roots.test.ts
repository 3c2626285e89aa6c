import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ImageStore, ImageUser, LayerRef } from '../../../src/runtime/images/index.ts'
import { getXattr, setXattr } from '../../../src/runtime/linux/files/xattr.ts'
import { digestOf, entry, isRoot, leftovers, NOTHING, soon, tar, Workshop } from './support.ts'

describe.skipIf(!isRoot)('images and the roots made of them', () => {
  let workshop: Workshop
  beforeEach(() => {
    workshop = new Workshop()
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  async function layerOf(store: ImageStore, files: Readonly<Record<string, string>>): Promise<LayerRef> {
    const directory = workshop.path('layer')
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(directory, name, '..'), { recursive: true })
      writeFileSync(join(directory, name), content)
    }
    const layer = await store.addLayer({ directory, kind: 'tree', mtimeMaxSeconds: 0 })
    rmSync(directory, { recursive: true })
    return layer
  }

  it('mounts as many layers as an image may have, the last on top', async () => {
    const store = await workshop.store('a')
    const layers: LayerRef[] = []
    for (let index = 0; index < 127; index++)
      layers.push(await layerOf(store, { same: `${index}`, [`only-${index}`]: 'x' }))
    const id = await store.createImage({ layers, config: {}, tags: ['many:1'] })
    const root = await store.roots.mount('c1', id)
    expect(readFileSync(join(root, 'same'), 'utf8')).toBe('126')
    // With the mark of a container.
    expect(readdirSync(root)).toHaveLength(129)
  })

  it('puts a layer that comes twice where it is uppermost', async () => {
    const store = await workshop.store('a')
    const a = await layerOf(store, { same: 'a' })
    const b = await layerOf(store, { same: 'b' })
    const id = await store.createImage({ layers: [a, b, a], config: {}, tags: [] })
    expect(readFileSync(join(await store.roots.mount('c', id), 'same'), 'utf8')).toBe('a')
  })

  it('mounts an image without layers', async () => {
    const store = await workshop.store('a')
    const id = await store.createImage({ layers: [], config: {}, tags: [] })
    expect(readdirSync(await store.roots.mount('c', id))).toEqual(['.dockerenv'])
    expect(readdirSync(await store.roots.mount('d', id, { bare: true }))).toEqual([])
  })

  it('keeps what a container wrote until it is removed, and mounting and removing twice is fine', async () => {
    const store = await workshop.store('a')
    const id = await store.createImage({ layers: [await layerOf(store, { file: 'old' })], config: {}, tags: ['app'] })
    const root = await store.roots.mount('c', id)
    writeFileSync(join(root, 'file'), 'new')
    expect(await store.roots.mount('c', id)).toBe(root)
    await store.roots.unmount('c')
    await store.roots.unmount('c')
    expect(readdirSync(root)).toEqual([])
    const reopened = await workshop.store('a')
    expect(await reopened.roots.list()).toEqual(['c'])
    await reopened.roots.mount('c', id)
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe('new')
    await reopened.roots.remove('c')
    await reopened.roots.remove('c')
    expect(existsSync(join(root, '..'))).toBe(false)
    expect(readFileSync(join(await reopened.roots.mount('d', id), 'file'), 'utf8')).toBe('old')
  })

  it('packs what a container changed as a layer that does the same to others', async () => {
    const store = await workshop.store('a')
    const base = await layerOf(store, { 'd/old': '1', 'd/kept': '2', 'gone/x': '3', file: '4' })
    const id = await store.createImage({ layers: [base], config: {}, tags: [] })
    const root = await store.roots.mount('c', id)
    rmSync(join(root, 'file'))
    rmSync(join(root, 'gone'), { recursive: true })
    rmSync(join(root, 'd'), { recursive: true })
    mkdirSync(join(root, 'd'))
    writeFileSync(join(root, 'd/new'), '5')
    setXattr(join(root, 'd/new'), 'user.note', Buffer.from('hello'))
    const layer = await store.addLayer({ directory: await store.roots.changes('c'), kind: 'upper' })
    const next = await store.createImage({ layers: [base, layer], config: {}, tags: [] })
    const seen = await store.roots.mount('e', next, { bare: true })
    expect(readdirSync(seen, { recursive: true, encoding: 'utf8' }).sort()).toEqual(['d', 'd/new'])
    expect(getXattr(join(seen, 'd/new'), 'user.note')?.toString()).toBe('hello')
  })

  it('removes an image with its last name, and what only it needed', async () => {
    const store = await workshop.store('a')
    const shared = await layerOf(store, { shared: 'x' })
    const own = await layerOf(store, { own: 'x' })
    const id = await store.createImage({ layers: [shared, own], config: {}, tags: ['one:1', 'two:1'] })
    const kept = await store.createImage({ layers: [shared], config: {}, tags: ['kept:1'] })
    await expect(store.images.remove(id, {})).rejects.toMatchObject({
      status: 409,
      message: `conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
    })
    expect(await store.images.remove('one:1', {})).toEqual([{ Untagged: 'one:1' }])
    expect(await store.images.remove('two:1', {})).toEqual([
      { Untagged: 'two:1' },
      { Deleted: id },
      // As Docker names it: a layer on those below it.
      { Deleted: digestOf(Buffer.from(`${shared.diffId} ${own.diffId}`)) },
    ])
    await expect(store.images.inspect('two:1')).rejects.toMatchObject({ status: 404, message: 'No such image: two:1' })
    expect(readFileSync(join(await store.roots.mount('c', kept), 'shared'), 'utf8')).toBe('x')
    expect(leftovers(workshop, 'a')['layers']).toHaveLength(1)
  })

  it('does not take an image from the containers that use it', async () => {
    const users: ImageUser[] = [{ containerId: 'abcdef0123456789', running: true }]
    const store = await workshop.store('a', { usersOf: () => users })
    const id = await store.createImage({ layers: [await layerOf(store, { file: 'x' })], config: {}, tags: ['app:1'] })
    const root = await store.roots.mount('c', id)
    const running = {
      status: 409,
      message: expect.stringContaining('(cannot be forced) - image is being used by running container abcdef012345'),
    }
    await expect(store.images.remove(id, { force: true })).rejects.toMatchObject(running)
    users[0] = { containerId: 'abcdef0123456789', running: false }
    await expect(store.images.remove('app:1', {})).rejects.toMatchObject({
      status: 409,
      message: `conflict: unable to remove repository reference "app:1" (must force) - container abcdef012345 is using its referenced image ${id.slice(7, 19)}`,
    })
    await store.images.remove('app:1', { force: true })
    // The stopped container still has its root.
    await store.roots.unmount('c')
    await store.roots.mount('c', id)
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe('x')
  })

  it('moves names between images', async () => {
    const store = await workshop.store('a')
    const one = await store.createImage({ layers: [], config: { Cmd: ['1'] }, tags: ['app:1'] })
    const two = await store.createImage({ layers: [], config: { Cmd: ['2'] }, tags: ['app:1'] })
    await store.images.tag(one, 'host:5000/old')
    expect((await store.images.inspect('app:1')).Id).toBe(two)
    expect((await store.images.inspect(one.slice(7, 15))).RepoTags).toEqual(['host:5000/old:latest'])
    expect((await store.images.list({ filters: { reference: ['app'] } })).map(image => image.Id)).toEqual([two])
    const reopened = await workshop.store('a')
    expect((await reopened.roots.resolve('host:5000/old')).id).toBe(one)
    await expect(store.images.tag('app:1', 'Not A Name')).rejects.toMatchObject({ status: 400 })
    const ambiguous = { status: 400, message: 'refusing to create an ambiguous tag using digest algorithm as name' }
    await expect(store.images.tag('app:1', 'sha256:abc')).rejects.toMatchObject(ambiguous)
    await expect(store.images.tag('app:1', 'docker.io/library/sha256')).rejects.toMatchObject(ambiguous)
  })

  it('refuses a data root of another format, and leaves it as it was', async () => {
    mkdirSync(workshop.path('a/images/blobs'), { recursive: true })
    writeFileSync(workshop.path('a/images/format'), '99\n')
    await expect(workshop.store('a')).rejects.toMatchObject({
      code: 'DATA_ROOT_FORMAT',
      message: expect.stringContaining('have format 99, this version knows format 1'),
    })
    expect(readdirSync(workshop.path('a/images'))).toEqual(['blobs', 'format'])
  })

  it('says so when the disk is full, keeps what was there and goes on when there is room', async () => {
    workshop.smallDisk('small', 4)
    const registry = await workshop.fakeRegistry()
    const store = await workshop.store('small')
    const first = await store.images.pull(registry.publish('one', [tar(entry('a', { content: 'x' }))]), {}, soon())
    const before = leftovers(workshop, 'small')
    const large = registry.publish('two', [tar(entry('large', { content: '\0'.repeat(6 << 20) }))])
    await expect(store.images.pull(large, {}, soon())).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(leftovers(workshop, 'small')).toEqual(before)
    expect((await store.images.list({})).map(image => image.Id)).toEqual([first])
    await store.images.pull(registry.publish('three', [tar(entry('b', { content: 'y' }))]), {}, soon())
  })

  it('says so when the file system cannot carry an overlay', async () => {
    const store = await workshop.store('a')
    const id = await store.createImage({ layers: [], config: {}, tags: ['empty'] })
    const inner = join(await store.roots.mount('c', id), 'nested')
    mkdirSync(inner)
    const { createImageStore } = await import('../../../src/runtime/images/index.ts')
    const { systemClock } = await import('../../../src/core/clock.ts')
    const { systemRandom } = await import('../../../src/core/random.ts')
    const { silentLog } = await import('../../../src/core/log.ts')
    const options = { dataRoot: inner, insecureRegistries: [], registryMirrors: [] }
    const nested = await createImageStore(options, { clock: systemClock, random: systemRandom, log: silentLog })
    const nestedId = await nested.createImage({ layers: [], config: {}, tags: [] })
    await expect(nested.roots.mount('d', nestedId)).rejects.toMatchObject({
      code: 'OVERLAY_REFUSED',
      message: expect.stringContaining('use a data root on ext4 or xfs'),
    })
    await nested.roots.remove('d')
    expect(statSync(inner).isDirectory()).toBe(true)
  })

  it('leaves no layer behind when packing fails', async () => {
    const store = await workshop.store('a')
    await expect(store.addLayer({ directory: workshop.path('none'), kind: 'tree' })).rejects.toThrow()
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
  })

  it('leaves no layer behind when packing fails after much was unpacked', async () => {
    const store = await workshop.store('a')
    const directory = workshop.path('upper')
    mkdirSync(join(directory, 'z'), { recursive: true })
    writeFileSync(join(directory, 'a'), Buffer.alloc(3_000_000, 'a'))
    writeFileSync(join(directory, 'z/.wh.name'), '')
    await expect(store.addLayer({ directory, kind: 'upper' })).rejects.toMatchObject({ code: 'WHITEOUT_NAME' })
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
  })

  it('unpacks while it packs what the blob holds: another store makes the same of it', async () => {
    const store = await workshop.store('a')
    // Of many reads, and each of its parts different.
    const large = Array.from({ length: 200_000 }, (_, index) => `${index} `).join('')
    const layer = await layerOf(store, { large, 'deep/er/small': 'small', empty: '' })
    const id = await store.createImage({ layers: [layer], config: {}, tags: ['large:1'] })
    const other = await workshop.store('b')
    await other.images.load(await store.images.save(['large:1']), soon())
    for (const root of [await store.roots.mount('c', id), await other.roots.mount('c', id)]) {
      expect(readFileSync(join(root, 'large'), 'utf8')).toBe(large)
      expect(readFileSync(join(root, 'deep/er/small'), 'utf8')).toBe('small')
      expect(readFileSync(join(root, 'empty'), 'utf8')).toBe('')
    }
    expect(other.findLayer(layer.diffId)).toMatchObject({ diffId: layer.diffId, digest: layer.digest })
    expect((await store.images.inspect(id)).Size).toBe((await other.images.inspect(id)).Size)
  })
})
