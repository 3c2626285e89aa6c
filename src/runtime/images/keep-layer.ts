import { createHash, type Hash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { errorCode, ShoalError } from '../../core/errors.ts'
import { newShortId } from '../../core/random.ts'
import type { LayerRef } from './contract.ts'
import { MEDIA_TYPES } from './format/manifest.ts'
import { diskError, syncFileSystem } from './store/files.ts'
import type { StoreParts } from './store/store-parts.ts'
import { gzipBlocks } from './tar/gzip-blocks.ts'

/** Keeps a tar as a layer: packed as a blob, and unpacked as what containers mount. The same tar gives the same layer. */
export async function keepLayer(
  parts: StoreParts,
  tar: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<LayerRef> {
  const packed = join(parts.layout.scratch, newShortId(parts.random))
  try {
    const { diffId, digest } = await pack(packed, tar, signal)
    return await parts.leases.hold([digest, diffId], async () => {
      const existing = parts.layers.get(diffId)
      if (existing !== undefined) return existing
      const { size } = await stat(packed)
      await parts.blobs.adopt(packed, digest)
      const blob = { digest, size, mediaType: MEDIA_TYPES.ociLayerGzip }
      const unpacked = await parts.layers.unpack(blob, diffId, { signal })
      await syncFileSystem(parts.layout.root, parts.clock)
      await parts.layers.commit(unpacked)
      return unpacked.ref
    })
  } catch (error) {
    const isDisk =
      !(error instanceof ShoalError) && signal?.aborted !== true && errorCode(error)?.startsWith('E') === true
    throw isDisk ? diskError(packed, error) : error
  } finally {
    await rm(packed, { force: true })
  }
}

async function pack(
  path: string,
  tar: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<{ readonly diffId: string; readonly digest: string }> {
  const [content, blob] = [createHash('sha256'), createHash('sha256')]
  await pipeline(
    digested(gzipBlocks(digested(tar, content)), blob),
    createWriteStream(path, { mode: 0o600, highWaterMark: 4 << 20 }),
    signal === undefined ? {} : { signal },
  )
  return { diffId: `sha256:${content.digest('hex')}`, digest: `sha256:${blob.digest('hex')}` }
}

async function* digested(chunks: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}
