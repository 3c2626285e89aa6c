import { errorCode, errorMessage } from '../../core/errors.ts'

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
