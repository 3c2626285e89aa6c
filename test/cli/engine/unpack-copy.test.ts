import { lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type UnpackOptions, unpackCopy } from '../../../src/cli/commands/container/copy/unpack-copy.ts'

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'shoal-copy-'))
  await mkdir(join(cwd, 'here'))
  await writeFile(join(cwd, 'secret'), 'untouched')
})
afterEach(() => rm(cwd, { recursive: true }))

type Item = readonly [header: Partial<Header> & { readonly name: string }, content?: string]

function unpack(items: readonly Item[], options: Partial<UnpackOptions> = {}): Promise<number> {
  const tar = pack()
  for (const [header, content = ''] of items) tar.entry(header, content)
  tar.finalize()
  const given = { rootName: 'tree', isDirectory: true, contentOnly: false, target: 'here', keepOwners: false, cwd }
  return unpackCopy(Readable.from(tar), { ...given, ...options })
}

const FOLDER: Item = [{ name: 'tree/', type: 'directory', mode: 0o755 }]

it('unpacks a tree, with modes and links, and counts its bytes', async () => {
  const bytes = await unpack([
    FOLDER,
    [{ name: 'tree/run', mode: 0o750 }, 'four'],
    [{ name: 'tree/link', type: 'symlink', linkname: 'run' }],
    [{ name: 'tree/same', type: 'link', linkname: 'tree/run' }],
  ])
  expect(bytes).toBe(4)
  expect((await lstat(join(cwd, 'here/tree/run'))).mode & 0o777).toBe(0o750)
  expect(await readFile(join(cwd, 'here/tree/link'), 'utf8')).toBe('four')
  expect((await lstat(join(cwd, 'here/tree/same'))).nlink).toBe(2)
})

it.each<[string, readonly Item[]]>([
  ['climbs out by its name', [FOLDER, [{ name: 'tree/../../secret' }, 'stolen']]],
  ['climbs out by a hard link', [FOLDER, [{ name: 'tree/x', type: 'link', linkname: 'tree/../../secret' }]]],
  [
    'writes through a link of its own',
    [FOLDER, [{ name: 'tree/d', type: 'symlink', linkname: '../..' }], [{ name: 'tree/d/secret' }, 'stolen']],
  ],
  [
    'writes through a link to an absolute path',
    [FOLDER, [{ name: 'tree/d', type: 'symlink', linkname: '/tmp' }], [{ name: 'tree/d/x' }, 'stolen']],
  ],
  [
    'makes a folder of a link',
    [FOLDER, [{ name: 'tree/d', type: 'symlink', linkname: '../..' }], [{ name: 'tree/d/', type: 'directory' }]],
  ],
  ['brings a device', [FOLDER, [{ name: 'tree/disk', type: 'block-device' }]]],
])('refuses an archive that %s', async (_what, items) => {
  await expect(unpack(items)).rejects.toThrow(/^(The archive has a name|Cannot copy|cannot overwrite)/)
  expect(await readFile(join(cwd, 'secret'), 'utf8')).toBe('untouched')
})

it('replaces a link that lies where a file goes, instead of writing through it', async () => {
  await mkdir(join(cwd, 'here/tree'))
  await symlink('../../secret', join(cwd, 'here/tree/file'))
  await unpack([FOLDER, [{ name: 'tree/file' }, 'new']])
  expect(await readFile(join(cwd, 'here/tree/file'), 'utf8')).toBe('new')
  expect(await readFile(join(cwd, 'secret'), 'utf8')).toBe('untouched')
})

it.each([
  ['a file to a new name', { isDirectory: false, rootName: 'f', target: 'new' }, [[{ name: 'f' }, 'x']], 'new'],
  ['a file over a file', { isDirectory: false, rootName: 'f', target: 'secret' }, [[{ name: 'f' }, 'x']], 'secret'],
  [
    'what is inside of a folder',
    { contentOnly: true, rootName: '.' },
    [[{ name: './', type: 'directory' }], [{ name: './f' }, 'x']],
    'here/f',
  ],
  ['the whole root', { rootName: '/' }, [[{ name: '/', type: 'directory' }], [{ name: '/f' }, 'x']], 'here/f'],
] as [string, Partial<UnpackOptions>, Item[], string][])(
  'puts %s where cp does',
  async (_what, options, items, path) => {
    await unpack(items, options)
    expect(await readFile(join(cwd, path), 'utf8')).toBe('x')
  },
)

it.each([
  [{ target: 'secret' }, 'cannot copy directory'],
  [{ target: 'no/such' }, 'invalid output path: directory'],
  [{ target: 'no/', isDirectory: false }, 'must be a directory'],
])('refuses the target of %j', async (options, message) => {
  await expect(unpack([FOLDER], options)).rejects.toThrow(message)
})
