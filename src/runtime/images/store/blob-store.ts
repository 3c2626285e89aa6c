import { createHash, type Hash } from 'node:crypto'
import { createReadStream, fdatasyncSync, type ReadStream, rmSync } from 'node:fs'
import { type FileHandle, link, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Digest } from '../../../core/digest.ts'
import { errorCode, failed, invalidInput, notFound, ShoalError, TransientError } from '../../../core/errors.ts'
import { KeyedLock } from '../../../core/keyed-lock.ts'
import { diskError } from '../../linux/files/disk-error.ts'
import { readIfThere } from '../../linux/files/read-if-there.ts'
import { replaceFile, writeAll } from './files.ts'
import type { Layout } from './layout.ts'

/** What a blob must be; the size may be unknown. */
export interface ExpectedBlob {
  readonly digest: string
  readonly size?: number | undefined
}

/** Where a blob's bytes come from: `from` is how many are there already. May answer from 0 instead (`startsAt`). */
export type BlobSource = (
  from: number,
) => Promise<{ readonly startsAt: number; readonly chunks: AsyncIterable<Buffer> }>

/** Bytes by their digest. What can be read here was verified when it was written. */
export class BlobStore {
  readonly #layout: Pick<Layout, 'blobs' | 'partial'>
  /** Two pulls of the same blob: the second waits for the first, then finds it here. */
  readonly #lock = new KeyedLock()

  constructor(layout: Pick<Layout, 'blobs' | 'partial'>) {
    this.#layout = layout
  }

  pathOf(digest: string): string {
    return join(this.#layout.blobs, hexOf(digest))
  }

  /** Bytes of a blob; undefined if it is not here. */
  async sizeOf(digest: string): Promise<number | undefined> {
    try {
      return (await stat(this.pathOf(digest))).size
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined
      throw error
    }
  }

  /** Reads a small blob whole. */
  async read(digest: string): Promise<Buffer> {
    const bytes = await readIfThere(this.pathOf(digest))
    if (bytes !== undefined) return bytes
    throw noSuchBlob(digest)
  }

  stream(digest: string): ReadStream {
    return createReadStream(this.pathOf(digest), { highWaterMark: 256 * 1024 })
  }

  async putBytes(bytes: Buffer): Promise<string> {
    const digest = sha256Digest(bytes)
    await this.#lock.run(digest, async () => {
      if ((await this.sizeOf(digest)) !== bytes.length) await replaceFile(this.pathOf(digest), bytes)
    })
    return digest
  }

  /**
   * Takes a blob from a source, going on where an earlier try stopped. It appears only when its size and digest are as
   * expected: otherwise WRONG_DIGEST or TRUNCATED_BLOB is thrown, and what was kept of it stays only if it may be
   * completed.
   */
  async fetch(expected: ExpectedBlob, source: BlobSource, onBytes: (count: number) => void): Promise<void> {
    return this.#lock.run(expected.digest, () => this.#fetch(expected, source, onBytes))
  }

  async #fetch(expected: ExpectedBlob, source: BlobSource, onBytes: (count: number) => void): Promise<void> {
    if ((await this.sizeOf(expected.digest)) !== undefined) return
    const partial = join(this.#layout.partial, hexOf(expected.digest))
    await this.#checkRoom(expected)
    try {
      await this.#download(partial, expected, { source, onBytes })
      await rename(partial, this.pathOf(expected.digest))
    } catch (error) {
      // What filled the disk must not go on filling it.
      if (['WRONG_DIGEST', 'ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')) await rm(partial, { force: true })
      throw error instanceof ShoalError || errorCode(error)?.startsWith('E') !== true
        ? error
        : diskError(partial, error)
    }
  }

  /** Moves a file that was digested while it was written into the store. */
  async adopt(path: string, digest: string): Promise<void> {
    await rename(path, this.pathOf(digest))
  }

  /** Takes a file in that was digested where it lies, on the same file system, and that nobody changes any more. */
  async link(path: string, digest: string): Promise<void> {
    await this.#lock.run(digest, async () => {
      if ((await this.sizeOf(digest)) !== undefined) return
      await using file = await open(path, 'r')
      await file.chmod(0o600)
      await file.datasync()
      await link(path, this.pathOf(digest))
    })
  }

  /** Removes a blob at once: between the caller's last look at who needs it and this, nothing else runs. */
  remove(digest: string): void {
    rmSync(this.pathOf(digest), { force: true })
  }

  /** Blobs that were written before a time. */
  async olderThan(timeMs: number): Promise<readonly string[]> {
    const old: string[] = []
    for (const name of await readdir(this.#layout.blobs)) {
      const path = join(this.#layout.blobs, name)
      if ((await stat(path)).mtimeMs >= timeMs) continue
      if (/^[a-f0-9]{64}$/.test(name)) old.push(`sha256:${name}`)
      else await rm(path, { force: true })
    }
    return old
  }

  /** A size that a stranger claims is compared with the disk before anything is written. */
  async #checkRoom({ digest, size = 0 }: ExpectedBlob): Promise<void> {
    const { bavail, bsize } = await statfs(this.#layout.partial)
    if (size <= bavail * bsize) return
    throw failed(
      'DISK_FULL',
      `No space left for the blob ${digest} of ${size} bytes: free some space, or use another image`,
    )
  }

  async #download(
    path: string,
    { digest, size }: ExpectedBlob,
    { source, onBytes }: { readonly source: BlobSource; readonly onBytes: (count: number) => void },
  ): Promise<void> {
    await using file = await open(path, 'a+', 0o600)
    const known = await hashFile(file, path)
    const { startsAt, chunks } = await source(known.bytes)
    if (startsAt !== known.bytes) await file.truncate(0)
    const hash = startsAt === known.bytes ? known.hash : createHash('sha256')
    let bytes = startsAt
    onBytes(bytes)
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (size !== undefined && bytes > size) throw wrongDigest(digest, `more than its ${size} bytes came`)
      hash.update(chunk)
      await writeAll(file, chunk)
      onBytes(chunk.length)
    }
    if (size !== undefined && bytes < size) {
      throw new TransientError(
        'TRUNCATED_BLOB',
        500,
        `The blob ${digest} is cut off: ${bytes} of ${size} bytes came; try again, or ask whoever runs the registry`,
      )
    }
    const found = `sha256:${hash.digest('hex')}`
    if (found !== digest) throw wrongDigest(digest, `the content has the digest ${found}`)
    fdatasyncSync(file.fd)
  }
}

async function hashFile(file: FileHandle, path: string): Promise<{ readonly hash: Hash; readonly bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  if ((await file.stat()).size > 0) {
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk as Buffer)
      bytes += (chunk as Buffer).length
    }
  }
  return { hash, bytes }
}

export function wrongDigest(digest: string, why: string): ShoalError {
  return failed(
    'WRONG_DIGEST',
    `The content of ${digest} is not what its digest says (${why}): it was damaged or changed on the way; nothing was kept, ask whoever runs the registry`,
  )
}

export function noSuchBlob(digest: string): ShoalError {
  return notFound('NO_SUCH_BLOB', `The blob ${digest} is not in the store: pull or load its image again`)
}

/** The hexadecimal part of a digest, which is safe as a file name. */
export function hexOf(digest: string): string {
  const hex = /^sha256:([a-f0-9]{64})$/.exec(digest)?.[1]
  if (hex === undefined) throw invalidInput('BAD_DIGEST', `Cannot read digest "${digest}": only sha256 is known`)
  return hex
}
