import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs'
import { errorCode, invalidInput, type ShoalError } from '../../core/errors.ts'
import type { FileReader } from './file-reader.ts'

/** No file that a person writes is larger; whatever is (a disk image, `/dev/zero`) was not meant. */
const BYTES_MAX = 16 * 2 ** 20

/** Reads from the disk. */
export const nodeFileReader: FileReader = {
  read(path) {
    try {
      return decodeText(readBounded(path), path)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      if (code === 'UNREADABLE_FILE') throw error
      if (code === 'EISDIR') throw unreadable(path, 'it is a directory')
      throw unreadable(path, code ?? 'unknown reason', error)
    }
  },
  kind(path) {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    return stat.isDirectory() ? 'directory' : 'file'
  },
  realPath(path) {
    try {
      return realpathSync(path)
    } catch {
      return path
    }
  },
}

function unreadable(path: string, reason: string, cause?: unknown): ShoalError {
  return invalidInput('UNREADABLE_FILE', `Cannot read ${path}: ${reason}`, { cause })
}

/** The bytes of a file of any kind (a pipe has no size to ask for). Throws UNREADABLE_FILE for too many. */
function readBounded(path: string): Buffer {
  const file = openSync(path, 'r')
  try {
    const chunks: Buffer[] = []
    for (let total = 0; ; ) {
      const chunk = Buffer.allocUnsafe(64 * 1024)
      const count = readSync(file, chunk)
      if (count === 0) return Buffer.concat(chunks)
      total += count
      if (total > BYTES_MAX) {
        throw unreadable(path, `it is larger than ${BYTES_MAX / 2 ** 20} MB, which no compose or env file is`)
      }
      chunks.push(chunk.subarray(0, count))
    }
  } finally {
    closeSync(file)
  }
}

/** Throws UNREADABLE_FILE for bytes that are no text. */
function decodeText(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw unreadable(path, 'it is not text in UTF-8', error)
  }
}
