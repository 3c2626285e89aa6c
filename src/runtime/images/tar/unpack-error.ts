import { errorCode, errorMessage, failed, invalidInput, ShoalError } from '../../../core/errors.ts'

/** What one archive may unpack to. Beyond these it is a bomb or a mistake. */
export interface UnpackLimits {
  readonly entriesMax: number
  readonly bytesMax: number
  /** Unpacked bytes for each packed byte, looked at beyond {@link ratioFromBytes}. */
  readonly ratioMax: number
  readonly ratioFromBytes: number
}

/** Wide enough for every real image; Debian's and a CUDA base unpack 3 to 4 bytes from each packed one. */
export const LAYER_LIMITS: UnpackLimits = {
  entriesMax: 2_000_000,
  bytesMax: 128 * 2 ** 30,
  ratioMax: 300,
  ratioFromBytes: 2 ** 30,
}

export function tooLarge(what: string): ShoalError {
  return invalidInput(
    'ARCHIVE_TOO_LARGE',
    `The archive is refused: ${what}; use an image that was not made to fill disks`,
  )
}

/** Says which entry could not be unpacked, and why, in one sentence. */
export function entryError(name: string, error: unknown): ShoalError {
  const code = errorCode(error) ?? ''
  switch (code) {
    case 'PATH_LEAVES_ROOT':
      return invalidInput('ENTRY_LEAVES_ROOT', `The archive is refused: its entry "${name}" leads out of the root`, {
        cause: error,
      })
    case 'ENOSPC':
    case 'EDQUOT':
      return failed('DISK_FULL', `No space left while unpacking "${name}": free some space and try again`, {
        cause: error,
      })
    case 'ENOENT':
    case 'EEXIST':
    case 'EISDIR':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return invalidInput(
        'BAD_ENTRY',
        `The archive is refused: the path of its entry "${name}" cannot be made (${code})`,
        {
          cause: error,
        },
      )
    default:
      if (error instanceof ShoalError && error.status === 400) return error
      return failed('UNPACK_FAILED', `Cannot unpack "${name}" (${errorMessage(error)}): check the disk and try again`, {
        cause: error,
      })
  }
}
