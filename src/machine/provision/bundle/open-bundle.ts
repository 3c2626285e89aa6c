import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { machine } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack } from 'tar-stream'
import { hashOf } from '../../../core/digest.ts'
import type { StoreFiles } from '../../ports.ts'
import type { Bundle } from './bundle.ts'
import { type BundleFile, listBundleFiles } from './bundle-files.ts'

const EXECUTABLE = 0o755
const PLAIN = 0o644
const CACHE_MODE = 0o600
/** What others made and left is kept for so long, as they may be about to read it. */
const LEFT_MS_MAX = 3_600_000

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
  const note = join(cache, 'bundle.json')
  const known = await readKnown(note)
  if (known?.stamp === stamp) {
    const archive = archiveIn(cache, known.digest)
    // It may have been removed meanwhile: equal files give the same bytes. Read once, whatever the number of hosts that get it.
    let reading: Promise<Buffer> | undefined
    const content = () => (reading ??= readFile(archive).catch(() => packFiles(root, list)))
    return { version, digest: known.digest, architecture: machine(), content }
  }
  const content = await packFiles(root, list)
  const digest = createHash('sha256').update(content).digest('hex')
  const archive = archiveIn(cache, digest)
  await mkdir(cache, { recursive: true, mode: 0o700 })
  await files.writeDurably(archive, content, CACHE_MODE)
  await files.writeDurably(note, JSON.stringify({ stamp, digest } satisfies Known), CACHE_MODE)
  await removeOlder(cache, archive)
  return { version, digest, architecture: machine(), content: async () => content }
}

/** By its content, so that two versions at work at once never get each other's. */
function archiveIn(cache: string, digest: string): string {
  return join(cache, `bundle-${digest}.tar.gz`)
}

/** Removes archives of other versions, and drafts that somebody who was killed left. */
async function removeOlder(cache: string, archive: string): Promise<void> {
  const { mtimeMs } = await stat(archive)
  const names = (await readdir(cache)).filter(name => /^bundle[-.].*\.(?:tar\.gz|tmp)$/.test(name))
  for (const path of names.map(name => join(cache, name))) {
    const other = await stat(path).catch(() => undefined)
    if (other !== undefined && mtimeMs - other.mtimeMs > LEFT_MS_MAX) await rm(path, { force: true })
  }
}

/** A gzipped tar that says nothing of who packed it, and when. */
async function packFiles(root: string, list: readonly BundleFile[]): Promise<Buffer> {
  const archive = pack()
  const packed = buffer(archive.pipe(createGzip()))
  for (const { path, size, isExecutable } of list) {
    const mode = isExecutable ? EXECUTABLE : PLAIN
    await pipeline(createReadStream(join(root, path)), archive.entry({ name: path, size, mode, mtime: new Date(0) }))
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
