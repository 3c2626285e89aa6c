import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ImageStore } from '../../../src/runtime/images/index.ts'
import { makeNode, setXattr } from '../../../src/runtime/linux/files/xattr.ts'
import { entry, isRoot, leftovers, NOTHING, skopeo, soon, streamOf, tar, Workshop } from './support.ts'

const FIFO = 0o010644
const DEVICE = 0o020600
/** A tar's own field for names is shorter. */
const LONG = 'long-'.repeat(40)

describe.skipIf(!isRoot)('a layer of which no blob is kept', () => {
  let workshop: Workshop
  let store: ImageStore
  beforeEach(async () => {
    workshop = new Workshop()
    store = await workshop.store('a')
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  /** What a container may leave behind in its writable layer, of every kind. */
  function everyKind(): string {
    const upper = workshop.path('upper')
    const at = (name: string): string => join(upper, name)
    mkdirSync(at('opaque/deep'), { recursive: true })
    setXattr(at('opaque'), 'trusted.overlay.opaque', Buffer.from('y'))
    mkdirSync(at('sticky'))
    chmodSync(at('sticky'), 0o1777)
    setXattr(at('sticky'), 'user.note', Buffer.from([0, 255, 10]))
    writeFileSync(at('large'), Buffer.alloc(1_000_003, 'a line of it\n'))
    writeFileSync(at('empty'), '')
    writeFileSync(at('opaque/deep/тест-\u{1F600}'), 'named')
    writeFileSync(at(LONG), 'long')
    writeFileSync(at('setuid'), 'program')
    lchownSync(at('setuid'), 3_000_000, 4_000_000)
    chmodSync(at('setuid'), 0o4711)
    writeFileSync(at('capable'), 'program')
    setXattr(at('capable'), 'security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex'))
    linkSync(at('large'), at('opaque/again'))
    symlinkSync(`../${LONG}`, at('opaque/link'))
    lchownSync(at('opaque/link'), 5, 6)
    lutimesSync(at('opaque/link'), 1_000_000_000.5, 1_000_000_000.5)
    lutimesSync(at('empty'), -5, -5)
    makeNode(at('fifo'), FIFO, { major: 0, minor: 0 })
    makeNode(at('device'), DEVICE, { major: 300, minor: 70_000 })
    makeNode(at('gone'), DEVICE, { major: 0, minor: 0 })
    return upper
  }

  async function committed(directory: string, tags: readonly string[]): Promise<string> {
    const layer = await store.addLayer({ directory, kind: 'upper', packLater: true })
    expect(layer.digest).toBe(layer.diffId)
    expect(readdirSync(workshop.path('a/images/blobs/sha256'))).not.toContain(layer.diffId.slice('sha256:'.length))
    return store.createImage({ layers: [layer], config: { Cmd: [tags.join()] }, tags })
  }

  function simple(): string {
    const directory = workshop.path('simple')
    mkdirSync(directory)
    writeFileSync(join(directory, 'file'), 'simple'.repeat(50_000))
    return directory
  }

  const saved = async (name: string): Promise<Buffer> =>
    Buffer.concat(await (await store.images.save([name])).toArray())

  it('is saved as the tar it was made of, whatever is in it', async () => {
    const id = await committed(everyKind(), ['all:1'])
    const archive = await saved('all:1')
    const other = await workshop.store('b')
    await other.images.load(streamOf(archive), soon())
    expect((await other.describe('all:1')).layers).toEqual((await store.describe(id)).layers)
    const file = workshop.path('saved.tar')
    writeFileSync(file, archive)
    skopeo('copy', '-q', `docker-archive:${file}`, `dir:${workshop.path('copied')}`)
    expect(await saved('all:1')).toEqual(archive)
  })

  it('is packed for a registry, which others pull the same image from', async () => {
    const name = `${await workshop.registry()}/team/app:1`
    const id = await committed(simple(), [name])
    await store.images.push(name, {}, soon())
    const raw = JSON.parse(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${name}`)) as {
      layers: readonly { mediaType: string; size: number }[]
    }
    expect(raw.layers).toEqual([expect.objectContaining({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' })])
    expect(raw.layers[0]?.size).toBeLessThan(10_000)
    const other = await workshop.store('b')
    expect(await other.images.pull(name, {}, soon())).toBe(id)
    expect(readFileSync(join(await other.roots.mount('c', id), 'file'), 'utf8')).toBe('simple'.repeat(50_000))
    // The second time everything is there already, here and at the registry.
    const said: (string | undefined)[] = []
    await store.images.push(name, { onProgress: ({ status }) => said.push(status) }, soon())
    expect(said).toContain('Layer already exists')
    expect(said).not.toContain('Pushed')
    expect((await store.images.inspect(name)).RepoDigests).toEqual((await other.images.inspect(name)).RepoDigests)
    await workshop.store('c').then(async third => third.images.load(streamOf(await saved(name)), soon()))
  })

  it('is not loaded again by the store that has it', async () => {
    await committed(simple(), ['app:1'])
    const archive = await saved('app:1')
    await store.images.tag('app:1', 'other:1')
    const before = readdirSync(workshop.path('a/images/blobs/sha256'))
    await store.images.load(streamOf(archive), soon())
    expect(readdirSync(workshop.path('a/images/blobs/sha256'))).toEqual(before)
  })

  it('goes with the last image that has it', async () => {
    const directory = simple()
    await committed(directory, ['one:1'])
    await committed(directory, ['two:1'])
    await store.images.remove('one:1', {})
    expect((await saved('two:1')).length).toBeGreaterThan(300_000)
    await store.images.remove('two:1', {})
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
    expect(readdirSync(workshop.path('a/images/blobs/sha256'))).toEqual([])
  })

  it('is not given out once somebody has changed it, and nothing of it is kept', async () => {
    const name = `${await workshop.registry()}/team/app:1`
    await committed(simple(), [name])
    const [layer = ''] = readdirSync(workshop.path('a/images/layers'))
    appendFileSync(workshop.path('a/images/layers', layer, 'file'), 'more')
    await expect(saved(name)).rejects.toMatchObject({ code: 'WRONG_DIGEST' })
    await expect(store.images.push(name, {}, soon())).rejects.toMatchObject({ code: 'WRONG_DIGEST' })
    expect(leftovers(workshop, 'a')['scratch']).toEqual([])
  })

  it('is wholly there or not at all when the disk is full', async () => {
    workshop.smallDisk('small', 4)
    store = await workshop.store('small')
    const directory = workshop.path('noise')
    mkdirSync(directory)
    writeFileSync(join(directory, 'most'), randomBytes(3 << 20))
    const layer = await store.addLayer({ directory, kind: 'upper', packLater: true })
    const name = `${await workshop.registry()}/team/app:1`
    const id = await store.createImage({ layers: [layer], config: {}, tags: [name] })
    const before = leftovers(workshop, 'small')
    await expect(store.images.push(name, {}, soon())).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(leftovers(workshop, 'small')).toEqual(before)
    writeFileSync(join(directory, 'more'), randomBytes(2 << 20))
    const again = store.addLayer({ directory, kind: 'upper', packLater: true })
    await expect(again).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(leftovers(workshop, 'small')).toEqual(before)
    expect((await saved(name)).length).toBeGreaterThan(3 << 20)
    expect((await store.describe(id)).layers).toEqual([layer])
  })

  it('may lie below layers that are kept packed', async () => {
    await committed(simple(), ['app:1'])
    const { layers } = await store.describe('app:1')
    const id = await store.images.import(streamOf(tar(entry('hello', { content: 'hello' }))), {}, soon())
    const above = (await store.describe(id)).layers
    await store.createImage({ layers: [...layers, ...above], config: {}, tags: ['both:1'] })
    const other = await workshop.store('b')
    await other.images.load(streamOf(await saved('both:1')), soon())
    const root = await other.roots.mount('c', 'both:1')
    expect(readdirSync(root)).toEqual(expect.arrayContaining(['file', 'hello']))
  })
})
