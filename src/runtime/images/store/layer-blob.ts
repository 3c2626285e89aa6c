import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { notFound } from '../../../core/errors.ts'
import { packTree } from '../tar/pack.ts'
import { noSuchBlob, wrongDigest } from './blob-store.ts'
import type { StoreParts } from './store-parts.ts'

type Stored = Pick<StoreParts, 'blobs' | 'layers' | 'layout'>

/**
 * Whether a layer's blob can be read: it is kept, or it is a plain tar (its digest is the diff id), which the unpacked layer
 * gives again, byte for byte.
 */
export async function hasLayerBlob({ blobs, layers }: Stored, digest: string): Promise<boolean> {
  return layers.get(digest) !== undefined || (await blobs.sizeOf(digest)) !== undefined
}

/** Reads a blob, be it one that is only kept as an unpacked layer. Throws NO_SUCH_BLOB. */
export async function* streamBlob(parts: Stored, digest: string): AsyncGenerator<Buffer> {
  if ((await parts.blobs.sizeOf(digest)) !== undefined) return yield* parts.blobs.stream(digest)
  if (parts.layers.get(digest) === undefined) throw noSuchBlob(digest)
  yield* tarOfLayer(parts, digest)
}

/** The tar that a layer was unpacked from. Throws WRONG_DIGEST at its end if somebody has changed what was unpacked. */
export async function* tarOfLayer({ layers, layout }: Stored, diffId: string): AsyncGenerator<Buffer> {
  const short = layers.shortName(diffId)
  if (short === undefined) throw notFound('NO_SUCH_LAYER', `The layer ${diffId} is gone: pull its image again`)
  const hash = createHash('sha256')
  for await (const chunk of packTree(join(layout.layers, short), { whiteouts: true })) {
    hash.update(chunk)
    yield chunk
  }
  const found = `sha256:${hash.digest('hex')}`
  if (found !== diffId) throw wrongDigest(diffId, `what is unpacked of it is ${found} by now`)
}
