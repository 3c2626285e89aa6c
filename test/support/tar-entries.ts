import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { extract, type Header, pack } from 'tar-stream'

export interface TarFile {
  readonly type: string
  readonly content: string
  readonly linkname: string
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** Reads an archive to its end: name -> entry. */
export async function readTar(archive: Readable): Promise<Map<string, TarFile>> {
  const found = new Map<string, TarFile>()
  const entries = extract()
  archive.on('error', error => entries.destroy(error)).pipe(entries)
  for await (const entry of entries) {
    const { name, type, linkname, uid, gid, mode } = entry.header
    const content = (await buffer(entry)).toString()
    // Some writers put the type in front of the permissions too.
    found.set(name, { type: type ?? 'file', content, linkname: linkname ?? '', uid, gid, mode: mode & 0o7777 })
  }
  return found
}

/** Names of an archive's entries, sorted. */
export async function tarNames(archive: Readable): Promise<string[]> {
  return [...(await readTar(archive)).keys()].sort()
}

export type TarItem = readonly [string, string | Partial<Header>]

/** An archive of entries in the order given: a text is a plain file's content. */
export function makeTar(entries: readonly TarItem[]): Readable {
  const archive = pack()
  for (const [name, what] of entries) {
    if (typeof what === 'string') archive.entry({ name, mode: 0o644 }, what)
    else if ((what.type ?? 'file') === 'file') archive.entry({ name, ...what }, '')
    else archive.entry({ name, ...what })
  }
  archive.finalize()
  return Readable.from(archive)
}
