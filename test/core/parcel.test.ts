import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { type ParcelEntry, packParcel, unpackParcel } from '../../src/core/parcel.ts'

const TREE: readonly ParcelEntry[] = [
  { path: 'b/c', kind: 'file', mode: 0o755, data: Buffer.from([0, 255, 10]) },
  { path: '', kind: 'directory', mode: 0o755 },
  { path: 'b', kind: 'directory', mode: 0o700 },
  { path: 'link', kind: 'link', target: '../elsewhere' },
]

it('gives back what was packed, directories first', () => {
  const unpacked = unpackParcel(packParcel(TREE).bytes)
  expect(unpacked.map(({ path }) => path)).toEqual(['', 'b', 'b/c', 'link'])
  expect(unpacked[2]).toEqual(TREE[0])
})

it('names content, in whatever order it was found', () => {
  expect(packParcel(TREE.toReversed()).id).toBe(packParcel(TREE).id)
  expect(packParcel(TREE.slice(1)).id).not.toBe(packParcel(TREE).id)
})

const directory = { path: '', kind: 'directory', mode: 0o755 }
const file = (path: string): object => ({ path, kind: 'file', mode: 0o644, data: '' })

it.each<[string, unknown]>([
  ['a path out of it', [directory, file('../etc/passwd')]],
  ['an absolute path', [directory, file('/etc/passwd')]],
  ['a file behind a link', [directory, { path: 'l', kind: 'link', target: '/etc' }, file('l/passwd')]],
  ['a path twice', [directory, file('a'), file('a')]],
  ['no root', [file('a')]],
  ['no list', { a: 1 }],
  ['a device', [{ path: '', kind: 'device', mode: 0o644 }]],
  ['no mode', [{ path: '', kind: 'file', data: '' }]],
])('refuses %s', (_what, entries) => {
  expect(() => unpackParcel(gzipSync(JSON.stringify(entries)))).toThrow('apply the project again')
})

it('refuses what is not packed, and what grows without end', () => {
  expect(() => unpackParcel(Buffer.from('nonsense'))).toThrow('it is damaged')
  expect(() => unpackParcel(gzipSync(Buffer.alloc(65 * 1024 * 1024)))).toThrow('it is damaged')
})
