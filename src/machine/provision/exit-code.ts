import { EXIT_CODES, errorCode } from '../../core/errors.ts'
import { SSH_EXIT_CODES } from '../ssh/failure.ts'

const NO_PRIVILEGE = 13

/** What `machine` ends with for an error of provisioning: 10 unreachable, 11 host key, 12 login, 13 not root, 3 refused by a check. */
export function exitCodeOf(error: unknown): number {
  const code = errorCode(error) ?? ''
  if (code === 'NO_PRIVILEGE') return NO_PRIVILEGE
  if (code === 'PREFLIGHT' || code === 'NOT_CONFIRMED') return EXIT_CODES.refused
  return SSH_EXIT_CODES[code] ?? EXIT_CODES.failed
}
