import { createHash, type Hash } from 'node:crypto'
import { open, rm, stat } from 'node:fs/promises'
import { errorCode, ShoalError } from '../../core/errors.ts'
import { diskError } from '../linux/files/disk-error.ts'
import { writeAll } from './store/files.ts'
import { gzipBlocks } from './tar/gzip-blocks.ts'

interface PackedBlob {
  readonly diffId: string
  readonly digest: string
  /** Bytes of the blob. */
  readonly size: number
}

/**
 * Packs a tar as gzip into a file that is gone again unless `keep` has moved it. The same tar gives the same bytes.
 * Throws DISK_FULL or WRITE_FAILED.
 */
export async function packInto<T>(
  path: string,
  { tar, signal }: { readonly tar: AsyncIterable<Buffer>; readonly signal: AbortSignal | undefined },
  keep: (packed: PackedBlob) => Promise<T>,
): Promise<T> {
  try {
    const { diffId, digest } = await pack(path, tar, signal)
    return await keep({ diffId, digest, size: (await stat(path)).size })
  } catch (error) {
    const isDisk =
      !(error instanceof ShoalError) && signal?.aborted !== true && errorCode(error)?.startsWith('E') === true
    throw isDisk ? diskError(path, error) : error
  } finally {
    await rm(path, { force: true })
  }
}

async function pack(
  path: string,
  tar: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<{ readonly diffId: string; readonly digest: string }> {
  const [content, blob] = [createHash('sha256'), createHash('sha256')]
  await using file = await open(path, 'wx', 0o600)
  let writing = Promise.resolve()
  try {
    for await (const piece of gzipBlocks(digested(tar, content))) {
      signal?.throwIfAborted()
      blob.update(piece)
      await writing
      // While the next piece is made; it is good as long.
      writing = writeAll(file, piece)
      writing.catch(() => {})
    }
  } finally {
    await writing
  }
  return { diffId: `sha256:${content.digest('hex')}`, digest: `sha256:${blob.digest('hex')}` }
}

/** The chunks as they come, each digested before it is passed on. */
export async function* digested(chunks: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}
