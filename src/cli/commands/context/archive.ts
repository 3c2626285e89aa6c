import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { extract, pack } from 'tar-stream'
import { errorMessage, invalidInput, ShoalError } from '../../../core/errors.ts'
import {
  CONTEXT_BYTES_MAX,
  type ContextRecord,
  contextText,
  parseContext,
  type TlsMaterial,
} from '../../engine/contexts/context-record.ts'
import { isZip, unzip } from './unzip.ts'

/** What a context is made of, as it travels. */
export interface PackedContext {
  readonly record: ContextRecord
  readonly tls: TlsMaterial
}

/** No context has more files than this. */
const FILES_MAX = 100
const BLOCK_BYTES = 512
const END_BYTES = 2 * BLOCK_BYTES

/** The same bytes for the same context: everything has the time zero. */
export function packContext({ record, tls }: PackedContext): Promise<Buffer> {
  const archive = pack()
  const mtime = new Date(0)
  const addFolder = (name: string): void => void archive.entry({ name, type: 'directory', mode: 0o700, mtime })
  archive.entry({ name: 'meta.json', mode: 0o644, mtime }, contextText(record))
  addFolder('tls')
  for (const [endpoint, files] of Object.entries(tls)) {
    addFolder(`tls/${endpoint}`)
    for (const [file, content] of Object.entries(files)) {
      archive.entry({ name: `tls/${endpoint}/${file}`, mode: 0o600, mtime }, content)
    }
  }
  archive.finalize()
  return buffer(archive)
}

/**
 * Reads a tar or a zip, all in memory and with limits: nothing of it says where anything is written. Throws BAD_ARCHIVE, and
 * BAD_CONTEXT for a meta.json that is none.
 */
export async function unpackContext(archive: Buffer): Promise<PackedContext> {
  const files = isZip(archive)
    ? unzip(archive, { filesMax: FILES_MAX, bytesMax: CONTEXT_BYTES_MAX })
    : await untar(archive)
  let record: ContextRecord | undefined
  const tls: Record<string, Record<string, Buffer>> = {}
  for (const [path, content] of files) {
    const [top = '', endpoint = '', file = '', ...deeper] = path.replace(/^\.\//, '').split('/')
    if (top === 'meta.json' && endpoint === '') record = parseContext(content.toString(), 'meta.json of the archive')
    else if (top === 'tls' && isPlain(endpoint) && isPlain(file) && deeper.length === 0) {
      tls[endpoint] = { ...tls[endpoint], [file]: content }
    } else throw badArchive(`${JSON.stringify(path)}: unexpected context file`)
  }
  if (record === undefined) throw badArchive('there is no meta.json in it')
  return { record, tls }
}

export function badArchive(why: string): Error {
  return invalidInput('BAD_ARCHIVE', `Cannot import this: ${why}`)
}

/** Names that lead nowhere else, and are no property of every object. */
function isPlain(name: string): boolean {
  return /^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$/.test(name) && name !== '__proto__'
}

/** Path -> content, of files only. */
export type ArchiveFiles = ReadonlyMap<string, Buffer>

async function untar(archive: Buffer): Promise<ArchiveFiles> {
  const files = new Map<string, Buffer>()
  const reader = extract()
  // Docker leaves out what ends an archive, and the rest of the last block.
  const source = Readable.from([archive, Buffer.alloc(BLOCK_BYTES - (archive.length % BLOCK_BYTES) + END_BYTES)])
  try {
    for await (const entry of source.pipe(reader)) {
      const { name, type } = entry.header
      if (type !== 'directory') {
        if (type !== 'file') throw badArchive(`${JSON.stringify(name)} is a ${type}`)
        if (files.size >= FILES_MAX) throw badArchive(`there are more than ${FILES_MAX} files in it`)
        files.set(name, await buffer(entry))
      } else entry.resume()
    }
  } catch (error) {
    if (error instanceof ShoalError) throw error
    throw badArchive(`it is neither a tar nor a zip archive: ${errorMessage(error)}`)
  }
  if (files.size === 0) throw badArchive('there is nothing in it')
  return files
}
