import { createHash, type Hash } from 'node:crypto'
import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, ShoalError } from '../../core/errors.ts'
import { newShortId } from '../../core/random.ts'
import { diskError } from '../linux/files/disk-error.ts'
import { removeTree } from '../linux/files/remove-tree.ts'
import type { LayerRef } from './contract.ts'
import { MEDIA_TYPES } from './format/manifest.ts'
import { syncFileSystem, writeAll } from './store/files.ts'
import type { StoreParts } from './store/store-parts.ts'
import { gzipBlocks } from './tar/gzip-blocks.ts'
import { unpackingAlong } from './tar/unpack-along.ts'

type Tar = AsyncIterable<Buffer>

/** Keeps a tar as a layer: packed as a blob, and unpacked as what containers mount. The same tar gives the same layer. */
export function keepLayer(parts: StoreParts, tar: Tar, signal?: AbortSignal): Promise<LayerRef> {
  return withPacked(parts, { tar, signal }, async (blob, diffId) => {
    const unpacked = await parts.layers.unpack(blob, diffId, { signal })
    return { unpackedBytes: unpacked.unpackedBytes, scratch: unpacked.scratch }
  })
}

/**
 * As {@link keepLayer}, of a tree that is being packed here: what it holds is not a stranger's, so it is unpacked on the
 * way to the blob, and nothing is read twice.
 */
export async function keepTree(parts: StoreParts, tar: Tar, signal?: AbortSignal): Promise<LayerRef> {
  const scratch = await parts.layers.draft()
  const along = unpackingAlong(tar, scratch)
  try {
    return await withPacked(parts, { tar: along.chunks, signal }, async () => {
      return { unpackedBytes: along.contentBytes(), scratch }
    })
  } finally {
    // Gone already if it has become the layer.
    await removeTree(scratch)
  }
}

type Unpack = (
  blob: Omit<LayerRef, 'diffId'>,
  diffId: string,
) => Promise<{ readonly unpackedBytes: number; readonly scratch: string }>

async function withPacked(
  parts: StoreParts,
  { tar, signal }: { readonly tar: Tar; readonly signal: AbortSignal | undefined },
  unpack: Unpack,
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
      const ref = { diffId, ...blob }
      const unpacked = await unpack(blob, diffId)
      await syncFileSystem(parts.layout.root, parts.clock)
      await parts.layers.commit({ ref, ...unpacked })
      return ref
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
  tar: Tar,
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

async function* digested(chunks: Tar, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}
