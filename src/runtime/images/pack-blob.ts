import { createHash, type Hash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { writeAll } from './store/files.ts'
import { gzipBlocks } from './tar/gzip-blocks.ts'

/** Packs a tar as gzip into a new file. The same tar gives the same bytes. */
export async function packBlob(
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
