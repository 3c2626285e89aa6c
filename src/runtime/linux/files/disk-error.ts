import { errorCode, errorMessage, failed } from '../../../core/errors.ts'

/** An error of writing to a disk, told in a sentence that says where. */
export function diskError(path: string, error: unknown): Error {
  const full = ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')
  return full
    ? failed('DISK_FULL', `No space left to write ${path}: free some space and try again`, { cause: error })
    : failed('WRITE_FAILED', `Cannot write ${path} (${errorMessage(error)}): check the disk`, { cause: error })
}
