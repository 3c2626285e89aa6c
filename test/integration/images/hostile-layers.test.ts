import { randomBytes } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LAYER_LIMITS, unpackArchive } from '../../../src/runtime/images/index.ts'
import { getXattr } from '../../../src/runtime/linux/files/xattr.ts'
import { entry, isRoot, leftovers, NOTHING, soon, streamOf, tar, Workshop } from './support.ts'

const OVERLAYFS_MAGIC = 0x794c7630
const HARD_LINK = entry('l', { type: 'hardlink', linkName: 'x' })

/** What the image's layers put into a root. */
function contentsOf(root: string): string[] {
  return readdirSync(root)
    .filter(name => name !== '.dockerenv')
    .sort()
}

/** Layers of an image as a stranger may make them, pulled and mounted as a container's root. */
describe.skipIf(!isRoot)('hostile layers', () => {
  let workshop: Workshop
  let outside: string
  beforeEach(() => {
    workshop = new Workshop()
    outside = workshop.path('outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'victim'), 'untouched', { mode: 0o600 })
  })
  afterEach(async () => {
    const stats = lstatSync(join(outside, 'victim'))
    expect([readFileSync(join(outside, 'victim'), 'utf8'), stats.mode & 0o7777, stats.uid, stats.nlink]).toEqual([
      'untouched',
      0o600,
      0,
      1,
    ])
    expect(readdirSync(outside)).toEqual(['victim'])
    await workshop[Symbol.asyncDispose]()
  })

  /** Pulls an image of these layers; resolves with the path of a container's root made of it. */
  async function rootOf(...layers: readonly Buffer[]): Promise<string> {
    const registry = await workshop.fakeRegistry()
    const store = await workshop.store('a')
    const id = await store.images.pull(registry.publish('app', layers), {}, soon())
    return store.roots.mount('c', id)
  }

  /** Pulls an image of these layers, which must be refused as bad input, and leave nothing. */
  async function refused(...layers: readonly Buffer[]): Promise<string> {
    const registry = await workshop.fakeRegistry()
    const store = await workshop.store('a')
    const error: unknown = await store.images.pull(registry.publish('app', layers), {}, soon()).catch(it => it)
    expect(error).toMatchObject({ status: 400 })
    expect(leftovers(workshop, 'a')).toEqual(NOTHING)
    expect(await store.images.list({})).toEqual([])
    return (error as Error).message
  }

  it.each([
    ['a name with ..', tar(entry('../outside/victim', { content: 'bad' }))],
    ['.. behind a directory', tar(entry('a/b/../../../outside/victim', { content: 'bad' }))],
    ['a directory that is ..', tar(entry('..', { type: 'directory', mode: 0o777 }))],
    ['a hard link with ..', tar(entry('l', { type: 'hardlink', linkName: '../../outside/victim' }))],
    ['a deletion of ..', tar(entry('.wh...'))],
    ['a deletion of .. in a directory', tar(entry('a/.wh...'))],
    ['a deletion of nothing', tar(entry('.wh.'))],
    ['a path of more than PATH_MAX', tar(entry('a/'.repeat(3000), { type: 'directory' }))],
    ['a name of more than NAME_MAX', tar(entry('a'.repeat(300), { content: 'x' }))],
    ['a file that becomes a directory on the way', tar(entry('f', { content: 'x' }), entry('f/g', { content: 'x' }))],
    ['a hard link to the root', tar(entry('l', { type: 'hardlink', linkName: '/' }))],
    [
      'a hard link to a directory',
      tar(entry('d/', { type: 'directory' }), entry('l', { type: 'hardlink', linkName: 'd' })),
    ],
    [
      'a link in a circle on the way',
      tar(entry('l', { type: 'symlink', linkName: 'l' }), entry('l/f', { content: 'x' })),
    ],
    ['a root that is a file', tar(entry('.', { content: 'x' }))],
    ['an extended header whose name has ..', tar(pax('path=../outside/victim', entry('f', { content: 'bad' }), 'x=y'))],
    ['an extended header whose link has ..', tar(pax('linkpath=../../outside/victim', HARD_LINK, 'x=y'))],
    ['a long name of GNU with ..', tar(gnu('L', '../outside/victim'), entry('f', { content: 'bad' }))],
    ['a long link of GNU with ..', tar(gnu('K', '../../outside/victim'), HARD_LINK)],
  ])('refuses %s', async (_name, layer) => {
    expect(await refused(layer)).toMatch(/^The archive is refused: /)
  })

  it('keeps absolute and crooked names inside', async () => {
    const root = await rootOf(
      tar(
        entry('/etc/absolute', { content: '1' }),
        entry('./etc//./crooked', { content: '2' }),
        entry('etc/x/../back', { content: '3' }),
        entry('etc/twice', { content: 'first' }),
        entry('etc/twice', { content: 'second' }),
      ),
    )
    expect(readdirSync(join(root, 'etc')).sort()).toEqual(['absolute', 'back', 'crooked', 'twice'])
    expect(readFileSync(join(root, 'etc/twice'), 'utf8')).toBe('second')
  })

  it('ends a name at a NUL, as the kernel would', async () => {
    const named = entry('safe', { content: 'x' })
    named.write('safe\0/../../etc/passwd', 0, 'latin1')
    named.write(checksum(named), 148, 'latin1')
    expect(contentsOf(await rootOf(tar(named)))).toEqual(['safe'])
  })

  it('follows no link out of the root: not by names, not by chains, not for hard links', async () => {
    const chain = [
      entry('a', { type: 'symlink', linkName: '.' }),
      entry('b', { type: 'symlink', linkName: 'a/..' }),
      entry('c', { type: 'symlink', linkName: 'b/../..' }),
      entry('out', { type: 'symlink', linkName: outside }),
    ]
    await refused(tar(...chain, entry('h', { type: 'hardlink', linkName: 'out/victim' })))
    await refused(tar(...chain, entry('h', { type: 'hardlink', linkName: `c${outside}/victim` })))
    await refused(tar(...chain, entry('out/victim', { content: 'bad' })))
    const root = await rootOf(tar(...chain, entry('c/inside', { content: 'x' })))
    expect(contentsOf(root)).toEqual(['a', 'b', 'c', 'inside', 'out'])
    expect(readlinkSync(join(root, 'out'))).toBe(outside)
  })

  it('does not write through a link that replaced a directory, in the same layer', async () => {
    const layer = tar(
      entry('d/', { type: 'directory' }),
      entry('d/kept', { content: 'x' }),
      entry('d', { type: 'symlink', linkName: outside }),
      entry('d/victim', { content: 'bad' }),
    )
    await refused(layer)
  })

  it('does not write through a link of a lower layer', async () => {
    const root = await rootOf(
      tar(
        entry('d', { type: 'symlink', linkName: outside }),
        entry('f', { type: 'symlink', linkName: `${outside}/victim` }),
      ),
      tar(entry('d/victim', { content: 'bad' }), entry('f', { content: 'bad' })),
    )
    expect(lstatSync(join(root, 'd')).isDirectory()).toBe(true)
    expect(lstatSync(join(root, 'f')).isFile()).toBe(true)
  })

  it('deletes through no link, and no device of the host', async () => {
    await refused(tar(entry('out', { type: 'symlink', linkName: outside }), entry('out/.wh.victim')))
    await refused(tar(entry('out', { type: 'symlink', linkName: outside }), entry('out/.wh..wh..opq')))
    const root = await rootOf(
      tar(
        entry('out', { type: 'symlink', linkName: outside }),
        entry('null', { type: 'char', device: { major: 1, minor: 3 } }),
      ),
      tar(entry('.wh.null'), entry('.wh.out')),
    )
    expect(contentsOf(root)).toEqual([])
  })

  it('hides below an opaque directory what lower layers have, and nothing else', async () => {
    const root = await rootOf(
      tar(entry('d/old', { content: 'x' }), entry('e/kept', { content: 'x' })),
      tar(entry('d/.wh..wh..opq'), entry('d/new', { content: 'x' })),
    )
    expect([readdirSync(join(root, 'd')), readdirSync(join(root, 'e'))]).toEqual([['new'], ['kept']])
  })

  it('takes no attribute that belongs to this host', async () => {
    const capability = Buffer.from([1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    const xattrs = new Map([
      ['trusted.overlay.redirect', Buffer.from(outside)],
      ['trusted.overlay.opaque', Buffer.from('y')],
      ['security.selinux', Buffer.from('x')],
      ['security.capability', capability],
      ['user.note', Buffer.from('n')],
    ])
    const root = await rootOf(
      tar(entry('d/below', { content: 'x' })),
      tar(entry('d/', { type: 'directory', xattrs }), entry('setuid', { content: 'x', mode: 0o4755, xattrs })),
    )
    expect(readdirSync(join(root, 'd'))).toEqual(['below'])
    expect(lstatSync(join(root, 'setuid')).mode & 0o7777).toBe(0o4755)
    expect(getXattr(join(root, 'setuid'), 'security.capability')).toEqual(capability)
    for (const name of ['trusted.overlay.redirect', 'trusted.overlay.opaque', 'security.selinux']) {
      expect(getXattr(join(root, 'd'), name)).toBeUndefined()
    }
  })

  it.each([
    ['a size of 8 EiB', withSize(entry('big', { content: 'x' }), Buffer.from('800000007fffffffffffffff', 'hex'))],
    ['a size that is no number', withSize(entry('big', { content: 'x' }), Buffer.from('99999999999\0'))],
    ['an extended header with a huge size', pax('path=x\n', entry('f', { content: 'x' }), 'size=9007199254740993')],
    ['an extended header that lies about its length', pax('999 path=x\n', entry('f', { content: 'x' }))],
    ['an extended header that never ends', Buffer.concat([paxHeader(50 << 20), Buffer.alloc(4096)])],
    ['a sparse file', withFlag(entry('sparse', { content: 'x' }), 'S')],
    ['a sparse file of the new kind', pax('22 GNU.sparse.major=1\n', entry('f', { content: 'x' }))],
    ['an unknown type', withFlag(entry('x'), 'Z')],
    ['a wrong checksum', wrongChecksum(entry('x'))],
    ['a cut-off entry', entry('x', { content: 'y'.repeat(2000) }).subarray(0, 1024)],
  ])('refuses %s', async (_name, layer) => {
    expect(await refused(Buffer.concat([layer, Buffer.alloc(1024)]))).toMatch(/archive/)
  })

  it.each([
    ['in entries', { entriesMax: 50 }, tar(...Array.from({ length: 60 }, (_, index) => entry(`f${index}`)))],
    ['in directories that paths imply', { entriesMax: 50 }, tar(entry(`${'d/'.repeat(60)}f`))],
    ['in bytes', { bytesMax: 100_000 }, tar(entry('zeros', { content: '\0'.repeat(200_000) }))],
    ['in ratio', { ratioFromBytes: 10_000, ratioMax: 50 }, tar(entry('zeros', { content: '\0'.repeat(200_000) }))],
  ])('refuses a bomb %s', async (_name, limits, archive) => {
    for (const pack of [gzipSync, zstdCompressSync]) {
      const unpacked = unpack(pack(archive), { ...LAYER_LIMITS, ...limits })
      await expect(unpacked).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE', status: 400 })
    }
  })

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -30)],
    ['cut off at its beginning', (bytes: Buffer) => bytes.subarray(0, 9)],
  ])('refuses packed bytes that are %s', async (_name, harm) => {
    const archive = tar(entry('noise', { content: randomBytes(20_000).toString('hex') }))
    for (const pack of [gzipSync, zstdCompressSync]) {
      await expect(unpack(harm(pack(archive)))).rejects.toMatchObject({ status: 400 })
    }
  })

  async function unpack(packed: Buffer, limits = LAYER_LIMITS): Promise<unknown> {
    const root = mkdtempSync(workshop.path('root-'))
    return unpackArchive(streamOf(packed), root, { limits, whiteouts: true })
  }

  it('can always remove what it unpacked, however deep links made it', async () => {
    const step = 'd'.repeat(200)
    const entries = Array.from({ length: 30 }, (_, index) => [
      entry(`l${index}`, { type: 'symlink', linkName: index === 0 ? step : `l${index - 1}/${step}` }),
      entry(`l${index}/f`, { content: 'x' }),
    ]).flat()
    expect(await refused(tar(...entries))).toMatch(/is too long|cannot be made/)
    expect(readdirSync(workshop.path('a/images/scratch'))).toEqual([])
  })

  it('leaves a device of an image in its layer', async () => {
    const root = await rootOf(tar(entry('dev/sda', { type: 'block', mode: 0o660, device: { major: 8, minor: 0 } })))
    expect(lstatSync(join(root, 'dev/sda')).isBlockDevice()).toBe(true)
    expect(statfsSync(root).type).toBe(OVERLAYFS_MAGIC)
    expect(existsSync(join(outside, 'sda'))).toBe(false)
  })
})

function checksum(header: Buffer): string {
  const block = Buffer.from(header.subarray(0, 512)).fill(0x20, 148, 156)
  return `${block
    .reduce((sum, byte) => sum + byte, 0)
    .toString(8)
    .padStart(6, '0')}\0 `
}

function changed(bytes: Buffer, change: (header: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  change(copy)
  copy.write(checksum(copy), 148, 'latin1')
  return copy
}

function withSize(bytes: Buffer, size: Buffer): Buffer {
  return changed(bytes, header => size.copy(header, 124))
}

function withFlag(bytes: Buffer, flag: string): Buffer {
  return changed(bytes, header => header.write(flag, 156, 'latin1'))
}

function wrongChecksum(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.write('000001\0 ', 148, 'latin1')
  return copy
}

/** A file with an extended header whose records are written as given, or with their right length. */
function pax(first: string, file: Buffer, second?: string): Buffer {
  const records = second === undefined ? first : [first.trim(), second].map(record).join('')
  const content = Buffer.alloc(512)
  content.write(records, 'latin1')
  return Buffer.concat([paxHeader(records.length), content, file])
}

function record(text: string): string {
  const bare = text.length + 2
  const length = bare + String(bare + String(bare).length).length
  return `${length} ${text}\n`
}

/** The name (`L`) or link (`K`) of the entry that follows. */
function gnu(flag: 'L' | 'K', text: string): Buffer {
  return withFlag(entry('././@LongLink', { content: `${text}\0` }), flag)
}

function paxHeader(size: number): Buffer {
  return changed(entry('pax', { content: '' }), header => {
    header.write('x', 156, 'latin1')
    header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  })
}
