import { expect, it } from 'vitest'
import { packedFiles } from '../../../src/cli/commands/compose/one-off/packed-files.ts'
import { type ParcelEntry, packParcel } from '../../../src/core/parcel.ts'

function packed(entries: readonly ParcelEntry[]) {
  const { id, bytes } = packParcel(entries)
  return { id, contents: { [id]: Buffer.from(bytes).toString('base64') } }
}

const TREE: readonly ParcelEntry[] = [
  { path: '', kind: 'directory', mode: 0o755 },
  { path: 'page', kind: 'file', mode: 0o640, data: Buffer.from('hello') },
  { path: 'link', kind: 'link', target: 'page' },
]

it('gives a container that runs once what a replica has mounted', () => {
  const secret = packed([{ path: '', kind: 'file', mode: 0o444, data: Buffer.from('sesame') }])
  const site = packed(TREE)
  const files = packedFiles(
    [
      { kind: 'secret', name: 'key', id: secret.id, target: '/run/secrets/key', uid: 7, mode: 0o400 },
      { kind: 'snapshot', name: './site', id: site.id, target: '/srv/site' },
    ],
    { ...secret.contents, ...site.contents },
  )
  const shown = files.map(({ data, ...rest }) => ({ ...rest, ...(data === undefined ? {} : { text: String(data) }) }))
  expect(shown).toEqual([
    { target: '/run/secrets/key', mode: 0o400, uid: 7, gid: 0, text: 'sesame' },
    { target: '/srv/site', mode: 0o755, uid: 0, gid: 0 },
    { target: '/srv/site/link', link: 'page', mode: 0o777, uid: 0, gid: 0 },
    { target: '/srv/site/page', mode: 0o640, uid: 0, gid: 0, text: 'hello' },
  ])
})

it('names what did not come along', () => {
  const config = { kind: 'config', name: 'words', id: 'x', target: '/words' } as const
  expect(() => packedFiles([config])).toThrow('The config words was not read')
})
