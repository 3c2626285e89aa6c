import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LAYER_LIMITS, unpackArchive } from '../../../src/runtime/images/index.ts'
import type { TarEntryType } from '../../../src/runtime/images/tar/header.ts'
import { getXattr } from '../../../src/runtime/linux/files/xattr.ts'
import { fc } from '../../support/property.ts'
import { entry, isRoot, streamOf, tar, Workshop } from './support.ts'

const options = { limits: LAYER_LIMITS, whiteouts: true }

describe.skipIf(!isRoot)('unpacking a layer', () => {
  let workshop: Workshop
  let root: string
  beforeEach(() => {
    workshop = new Workshop()
    root = workshop.path('root')
    mkdirSync(root)
    mkdirSync(workshop.path('outside'))
    writeFileSync(workshop.path('outside/victim'), 'untouched')
  })
  afterEach(() => workshop[Symbol.asyncDispose]())
  const unpack = (archive: Buffer, change: Partial<typeof options> = {}) =>
    unpackArchive(streamOf(archive), root, { ...options, ...change })

  it('keeps types, modes, owners, times, links and attributes', async () => {
    const capability = Buffer.from([1, 0, 0, 2, 0xc0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    await unpack(
      tar(
        entry('d/', { type: 'directory', mode: 0o1777, mtimeSeconds: 1000 }),
        entry('d/setuid', { content: 'x', mode: 0o4755, uid: 7, gid: 70_000, mtimeSeconds: 2000 }),
        entry('d/capable', { mode: 0o755, xattrs: new Map([['security.capability', capability]]) }),
        entry('link', { type: 'symlink', linkName: '/etc/nowhere', uid: 5 }),
        entry('d/again', { type: 'hardlink', linkName: 'd/setuid' }),
        entry('null', { type: 'char', mode: 0o666, device: { major: 1, minor: 3 } }),
        entry('pipe', { type: 'fifo', mode: 0o600 }),
        entry('implied/parent/file', { content: 'y' }),
      ),
    )
    const file = statSync(join(root, 'd/setuid'))
    expect([file.mode & 0o7777, file.uid, file.gid, file.mtimeMs, file.nlink]).toEqual([
      0o4755, 7, 70_000, 2_000_000, 2,
    ])
    const directory = statSync(join(root, 'd'))
    expect([directory.mode & 0o7777, directory.mtimeMs]).toEqual([0o1777, 1_000_000])
    expect(getXattr(join(root, 'd/capable'), 'security.capability')).toEqual(capability)
    expect([readlinkSync(join(root, 'link')), lstatSync(join(root, 'link')).uid]).toEqual(['/etc/nowhere', 5])
    expect(statSync(join(root, 'null')).rdev).toBe(0x103)
    expect(lstatSync(join(root, 'pipe')).isFIFO()).toBe(true)
    expect(readFileSync(join(root, 'implied/parent/file'), 'utf8')).toBe('y')
  })

  it.each([
    ['plain', (bytes: Buffer) => bytes],
    ['gzip', gzipSync],
    [
      'gzip in two members',
      (bytes: Buffer) => Buffer.concat([gzipSync(bytes.subarray(0, 100)), gzipSync(bytes.subarray(100))]),
    ],
    ['zstd', zstdCompressSync],
  ])('reads %s', async (_name, pack) => {
    const archive = tar(entry('a', { content: 'hello' }))
    const { bytes } = await unpack(pack(archive))
    expect(bytes).toBe(archive.length)
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('hello')
  })

  it.each([
    ['a name with ..', entry('../outside/victim', { content: 'bad' }), 'ENTRY_LEAVES_ROOT'],
    ['.. after a directory', entry('a/../../outside/victim', { content: 'bad' }), 'ENTRY_LEAVES_ROOT'],
    ['a hard link to outside', entry('l', { type: 'hardlink', linkName: '../outside/victim' }), 'ENTRY_LEAVES_ROOT'],
    ['a hard link to nothing', entry('l', { type: 'hardlink', linkName: '/etc/hostname' }), 'BAD_ENTRY'],
    ['a deletion of ..', entry('.wh...'), 'BAD_ENTRY'],
    ['a file below a file', Buffer.concat([entry('f', { content: 'x' }), entry('f/g', { content: 'x' })]), 'BAD_ENTRY'],
  ])('refuses %s', async (_name, bytes, code) => {
    await expect(unpack(tar(bytes))).rejects.toMatchObject({ code, status: 400 })
    expect(readFileSync(workshop.path('outside/victim'), 'utf8')).toBe('untouched')
  })

  it('keeps what goes through links inside, as a process with that root would', async () => {
    await unpack(
      tar(
        entry('etc/', { type: 'directory' }),
        entry('up', { type: 'symlink', linkName: '../../../../..' }),
        entry('absolute', { type: 'symlink', linkName: '/etc' }),
        entry('outside', { type: 'symlink', linkName: workshop.path('outside') }),
        entry('up/etc/one', { content: '1' }),
        entry('absolute/two', { content: '2' }),
      ),
    )
    expect(readdirSync(join(root, 'etc')).sort()).toEqual(['one', 'two'])
    await expect(unpack(tar(entry('outside/victim', { content: 'bad' })))).rejects.toMatchObject({ status: 400 })
    expect(readFileSync(workshop.path('outside/victim'), 'utf8')).toBe('untouched')
  })

  it('writes over a link instead of through it', async () => {
    await unpack(
      tar(entry('f', { type: 'symlink', linkName: workshop.path('outside/victim') }), entry('f', { content: 'new' })),
    )
    expect(lstatSync(join(root, 'f')).isFile()).toBe(true)
    expect(readFileSync(workshop.path('outside/victim'), 'utf8')).toBe('untouched')
  })

  it('touches nothing outside, whatever the entries are', async () => {
    const part = fc.constantFrom('a', 'b', 'c', '..', '.', '', '.wh.a', '.wh..wh..opq')
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))
    const target = fc.oneof(
      path,
      fc.constantFrom('/', '..', '../outside', '../../../../tmp', workshop.path('outside'), '/outside/victim'),
    )
    const type = fc.constantFrom<TarEntryType>('file', 'directory', 'symlink', 'hardlink')
    const item = fc.record({ path, type, target, mode: fc.constantFrom(0o644, 0o755, 0o777) })
    const before = snapshot(workshop.directory)
    await fc.assert(
      fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 12 }), async items => {
        const entries = items.map(({ path, type, target, mode }) =>
          entry(path, { type, mode, ...(type === 'file' ? { content: 'bad' } : { linkName: target }) }),
        )
        await unpack(tar(...entries)).catch((error: { status?: number }) => expect(error.status).toBe(400))
        expect(snapshot(workshop.directory)).toEqual(before)
        execFileSync('find', [root, '-mindepth', '1', '-delete'])
      }),
      { numRuns: 300 },
    )
  })

  it('turns deletions into the form of overlayfs', async () => {
    await unpack(
      tar(
        entry('d/.wh.gone'),
        entry('opaque/.wh..wh..opq'),
        entry('opaque/new', { content: 'x' }),
        entry('both/', { type: 'directory' }),
        entry('.wh.both'),
        entry('.wh.turned'),
        entry('turned/', { type: 'directory' }),
        entry('.wh..wh.plnk'),
      ),
    )
    const gone = lstatSync(join(root, 'd/gone'))
    expect([gone.isCharacterDevice(), gone.rdev]).toEqual([true, 0])
    for (const name of ['opaque', 'both', 'turned']) {
      expect(getXattr(join(root, name), 'trusted.overlay.opaque')?.toString()).toBe('y')
    }
    expect(existsSync(join(root, '.wh..wh.plnk'))).toBe(false)
  })

  it('does not let an image steer overlayfs', async () => {
    const xattrs = new Map([['trusted.overlay.redirect', Buffer.from('/etc')]])
    await unpack(tar(entry('d/', { type: 'directory', xattrs })))
    expect(getXattr(join(root, 'd'), 'trusted.overlay.redirect')).toBeUndefined()
  })

  it.each([
    ['too many entries', { entriesMax: 1 }],
    ['too many bytes', { bytesMax: 1000 }],
    ['bytes that unpack to too many', { ratioMax: 10, ratioFromBytes: 1000 }],
  ])('refuses %s', async (_name, limits) => {
    const archive = gzipSync(tar(entry('zeros', { content: '\0'.repeat(100_000) }), entry('b')))
    await expect(unpack(archive, { limits: { ...LAYER_LIMITS, ...limits } })).rejects.toMatchObject({
      code: 'ARCHIVE_TOO_LARGE',
    })
  })

  it.each([
    ['a cut-off tar', (bytes: Buffer) => bytes.subarray(0, 1000), 'BAD_TAR'],
    ['cut-off gzip', (bytes: Buffer) => gzipSync(bytes).subarray(0, 100), 'BAD_ARCHIVE'],
    ['cut-off zstd', (bytes: Buffer) => zstdCompressSync(bytes).subarray(0, 60), 'BAD_ARCHIVE'],
    ['xz', () => Buffer.from('\xfd7zXZ\0......', 'latin1'), 'BAD_ARCHIVE'],
    ['something else', () => Buffer.from('<html>'.repeat(200)), 'BAD_TAR'],
  ])('refuses %s', async (_name, damage, code) => {
    const noise = Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 7919) % 251)).toString('latin1')
    await expect(unpack(damage(tar(entry('a', { content: noise }))))).rejects.toMatchObject({ code, status: 400 })
  })
})

/** Everything outside the root that is unpacked into. */
function snapshot(directory: string): string {
  const shown = ['-printf', '%P %m %U %s %n %l\n']
  const listing = execFileSync('find', [directory, '-path', '*/root', '-prune', '-o', ...shown], { encoding: 'utf8' })
  return `${listing}${readFileSync(join(directory, 'outside/victim'), 'utf8')}`
}
