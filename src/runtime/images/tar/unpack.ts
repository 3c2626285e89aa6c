import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { errorCode, errorMessage, invalidInput, ShoalError } from '../../../core/errors.ts'
import { decompressor } from './decompress.ts'
import { TarReader } from './reader.ts'
import { TreeWriter, type TreeWriterOptions } from './tree-writer.ts'
import { tooLarge, type UnpackLimits } from './unpack-error.ts'

export interface Unpacked {
  /** Digest of the uncompressed archive. */
  readonly diffId: string
  /** Bytes of the uncompressed archive. */
  readonly bytes: number
}

/**
 * Unpacks an archive (plain, gzip or zstd) below a directory. Throws with one clear sentence: an entry that leaves the
 * root, a cut-off or damaged archive, one that is too large, a full disk. What was unpacked until then stays.
 */
export async function unpackArchive(
  archive: Readable,
  directory: string,
  options: TreeWriterOptions & { readonly signal?: AbortSignal | undefined },
): Promise<Unpacked> {
  using writer = new TreeWriter(directory, options)
  const reader = new TarReader(writer)
  const unpacked = await readArchive(archive, chunk => reader.write(chunk), options)
  reader.finish()
  writer.finish()
  return unpacked
}

/** Passes the uncompressed bytes of an archive to `take`, piece by piece, and digests them. */
async function readArchive(
  archive: Readable,
  take: (chunk: Buffer) => void,
  { limits, signal }: { readonly limits: UnpackLimits; readonly signal?: AbortSignal | undefined },
): Promise<Unpacked> {
  const hash = createHash('sha256')
  let bytes = 0
  const { stream, packedBytes } = await decompressor(archive)
  const consume = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > limits.ratioFromBytes && bytes > packedBytes() * limits.ratioMax) {
        throw tooLarge(`each of its bytes unpacks to more than ${limits.ratioMax}`)
      }
      hash.update(chunk)
      take(chunk)
    }
  }
  try {
    await pipeline(stream, consume, signal === undefined ? {} : { signal })
  } catch (error) {
    throw archiveError(error)
  }
  return { diffId: `sha256:${hash.digest('hex')}`, bytes }
}

function archiveError(error: unknown): unknown {
  if (error instanceof ShoalError) return error
  const code = errorCode(error) ?? ''
  if (code.startsWith('Z_') || code.startsWith('ZSTD_') || code.startsWith('ERR_ZSTD')) {
    return invalidInput('BAD_ARCHIVE', `The archive is damaged or cut off (${errorMessage(error)}): fetch it again`, {
      cause: error,
    })
  }
  return error
}
