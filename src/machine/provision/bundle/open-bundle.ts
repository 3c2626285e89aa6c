import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { machine } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import { pack } from 'tar-stream'
import { hashOf } from '../../../core/digest.ts'
import type { StoreFiles } from '../../ports.ts'
import type { Bundle } from './bundle.ts'
import { type BundleFile, listBundleFiles } from './bundle-files.ts'

const EXECUTABLE = 0o755
const PLAIN = 0o644
const CACHE_MODE = 0o600

interface Known {
  /** Of the files it was made of. */
  readonly stamp: string
  readonly digest: string
}

export interface BundlePlaces {
  /** Where this program is installed: the folder of `bin` and `dist`. */
  readonly root: string
  /** Where the archive is kept, since packing takes seconds. */
  readonly cache: string
  readonly version: string
  readonly files: Pick<StoreFiles, 'writeDurably'>
}

/**
 * This installation as the archive that hosts get. Equal files give the same bytes wherever they are packed: only then a host
 * that has them can be left alone. Throws NOT_BUILT.
 */
export async function openBundle({ root, cache, version, files }: BundlePlaces): Promise<Bundle> {
  const list = await listBundleFiles(root)
  const stamp = hashOf({ root, list })
  const archive = join(cache, 'bundle.tar.gz')
  const note = join(cache, 'bundle.json')
  const known = await readKnown(note)
  if (known?.stamp === stamp) {
    return { version, digest: known.digest, architecture: machine(), content: () => readFile(archive) }
  }
  const content = await packFiles(root, list)
  const digest = createHash('sha256').update(content).digest('hex')
  await mkdir(cache, { recursive: true, mode: 0o700 })
  await files.writeDurably(archive, content, CACHE_MODE)
  await files.writeDurably(note, JSON.stringify({ stamp, digest } satisfies Known), CACHE_MODE)
  return { version, digest, architecture: machine(), content: async () => content }
}

/** A gzipped tar that says nothing of who packed it, and when. */
async function packFiles(root: string, list: readonly BundleFile[]): Promise<Buffer> {
  const archive = pack()
  const packed = buffer(archive.pipe(createGzip()))
  for (const { path, isExecutable } of list) {
    const content = await readFile(join(root, path))
    const mode = isExecutable ? EXECUTABLE : PLAIN
    const written = Promise.withResolvers<void>()
    archive.entry({ name: path, mode, mtime: new Date(0) }, content, error =>
      error ? written.reject(error) : written.resolve(),
    )
    await written.promise
  }
  archive.finalize()
  return packed
}

async function readKnown(path: string): Promise<Known | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Known
  } catch {
    // It was never packed, or half the note was written: it is packed anew.
    return undefined
  }
}
