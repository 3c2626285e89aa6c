import { errorCode, errorMessage, failed, type ShoalError } from '../../core/errors.ts'

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EEXIST: 'file exists',
  ENOSPC: 'no space left on device',
}

/** Why a file could not be used, in the kernel's words alone: Node's own sentence says the path a second time. */
export function whyNot(error: unknown): string {
  return WORDS[errorCode(error) ?? ''] ?? errorMessage(error)
}

/** Why a file that was to be made anew was not. */
export function notWritten(path: string, cause: unknown): ShoalError {
  // The file itself may be missing; what it is to stand in may not.
  const why = errorCode(cause) === 'ENOENT' ? 'there is no such directory' : whyNot(cause)
  return failed('NOT_WRITTEN', `Cannot write ${path}: ${why}`)
}
