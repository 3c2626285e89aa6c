import { errorCode } from '../../../core/errors.ts'
import { SSH_EXIT_CODES } from '../../../machine/index.ts'
import { exitCodeOf } from '../../output/print-error.ts'

/** What `machine` ends with for an error: 10 unreachable, 11 host key, 12 login, 13 rights there, and else as everywhere. */
export function exitCodeOfMachine(error: unknown): number {
  return SSH_EXIT_CODES[errorCode(error) ?? ''] ?? exitCodeOf(error)
}
