import { createHash } from 'node:crypto'
import { addAbortSignal, type Readable } from 'node:stream'
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
  /** Bytes of the files in it. */
  readonly contentBytes: number
  /** The latest time of an entry, seconds since 1970. */
  readonly newestSeconds: number
}

export interface ReadOptions {
  readonly limits: UnpackLimits
  readonly signal?: AbortSignal | undefined
  /** Gets the packed bytes that were read since the last call. */
  readonly onRead?: ((bytes: number) => void) | undefined
}

/**
 * Unpacks an archive (plain, gzip or zstd) below a directory. Throws with one clear sentence: an entry that leaves the
 * root, a cut-off or damaged archive, one that is too large, a full disk. What was unpacked until then stays.
 */
export async function unpackArchive(
  archive: Readable,
  directory: string,
  options: TreeWriterOptions & ReadOptions,
): Promise<Unpacked> {
  using writer = new TreeWriter(directory, options)
  const reader = new TarReader(writer)
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of uncompressed(archive, options)) {
    bytes += chunk.length
    hash.update(chunk)
    reader.write(chunk)
  }
  reader.finish()
  writer.finish()
  const { contentBytes, newestSeconds } = writer
  return { diffId: `sha256:${hash.digest('hex')}`, bytes, contentBytes, newestSeconds }
}

/** The bytes of an archive without its packing. Throws BAD_ARCHIVE, and ARCHIVE_TOO_LARGE for a bomb. */
export async function* uncompressed(
  archive: Readable,
  { limits, signal, onRead }: ReadOptions,
): AsyncGenerator<Buffer> {
  const { stream, packedBytes } = await decompressor(archive)
  let bytes = 0
  let told = 0
  try {
    for await (const chunk of signal === undefined ? stream : addAbortSignal(signal, stream)) {
      bytes += (chunk as Buffer).length
      if (bytes > limits.ratioFromBytes && bytes > packedBytes() * limits.ratioMax) {
        throw tooLarge(`each of its bytes unpacks to more than ${limits.ratioMax}`)
      }
      yield chunk as Buffer
      onRead?.(packedBytes() - told)
      told = packedBytes()
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw archiveError(error)
  } finally {
    archive.destroy()
  }
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
