import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { newShortId } from '../../core/random.ts'
import { removeTree } from '../linux/files/remove-tree.ts'
import type { LayerRef } from './contract.ts'
import { MEDIA_TYPES } from './format/manifest.ts'
import { digested, packInto } from './pack-blob.ts'
import { syncFileSystem } from './store/files.ts'
import type { StoreParts } from './store/store-parts.ts'
import { unpackingAlong } from './tar/unpack-along.ts'

type Tar = AsyncIterable<Buffer>

/** Keeps a tar as a layer: packed as a blob, and unpacked as what containers mount. The same tar gives the same layer. */
export function keepLayer(parts: StoreParts, tar: Tar, signal?: AbortSignal): Promise<LayerRef> {
  return withPacked(parts, { tar, signal }, ({ diffId, ...blob }) => parts.layers.unpack(blob, diffId, { signal }))
}

/**
 * As {@link keepLayer}, of a tree that is being packed here: what it holds is not a stranger's, so it is unpacked on the
 * way to the blob, and nothing is read twice.
 */
export function keepTree(parts: StoreParts, tar: Tar, signal?: AbortSignal): Promise<LayerRef> {
  return alongside(parts, tar, ({ chunks, unpacked }) =>
    withPacked(parts, { tar: chunks, signal }, async () => unpacked()),
  )
}

/**
 * As {@link keepTree}, but keeps no blob: that is the plain tar, which `store/layer-blob.ts` makes of the unpacked layer again
 * for whoever wants it. So each byte is written once.
 */
export function keepUnpacked(parts: StoreParts, tar: Tar, signal?: AbortSignal): Promise<LayerRef> {
  return alongside(parts, tar, async ({ chunks, unpacked }) => {
    const content = createHash('sha256')
    let size = 0
    for await (const chunk of digested(chunks, content)) {
      signal?.throwIfAborted()
      size += chunk.length
    }
    const diffId = `sha256:${content.digest('hex')}`
    const ref = { diffId, digest: diffId, size, mediaType: MEDIA_TYPES.ociLayer }
    return parts.leases.hold([diffId], () => keepOnce(parts, ref, async () => unpacked()))
  })
}

interface Unpacked {
  readonly unpackedBytes: number
  readonly scratch: string
}

interface Alongside {
  readonly chunks: Tar
  /** Once the chunks have ended. */
  readonly unpacked: () => Unpacked
}

/** Has a tar unpacked into scratch while it is read. */
async function alongside<T>(parts: StoreParts, tar: Tar, keep: (along: Alongside) => Promise<T>): Promise<T> {
  const scratch = await parts.layers.draft()
  const { chunks, contentBytes } = unpackingAlong(tar, scratch)
  try {
    return await keep({ chunks, unpacked: () => ({ unpackedBytes: contentBytes(), scratch }) })
  } finally {
    // Gone already if it has become the layer.
    await removeTree(scratch)
  }
}

function withPacked(
  parts: StoreParts,
  source: { readonly tar: Tar; readonly signal: AbortSignal | undefined },
  unpack: (ref: LayerRef) => Promise<Unpacked>,
): Promise<LayerRef> {
  const path = join(parts.layout.scratch, newShortId(parts.random))
  return packInto(path, source, packed => {
    const ref = { ...packed, mediaType: MEDIA_TYPES.ociLayerGzip }
    return parts.leases.hold([ref.digest, ref.diffId], () =>
      keepOnce(parts, ref, async () => {
        await parts.blobs.adopt(path, ref.digest)
        return unpack(ref)
      }),
    )
  })
}

/** The layer is visible only when all of it is on the disk. One that is there already stays as it is. */
async function keepOnce(parts: StoreParts, ref: LayerRef, unpack: () => Promise<Unpacked>): Promise<LayerRef> {
  const existing = parts.layers.get(ref.diffId)
  if (existing !== undefined) return existing
  const { unpackedBytes, scratch } = await unpack()
  await syncFileSystem(parts.layout.root, parts.clock)
  await parts.layers.commit({ ref, unpackedBytes, scratch })
  return ref
}
