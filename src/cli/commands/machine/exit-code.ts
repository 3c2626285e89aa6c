import { EXIT_CODES } from '../../../core/errors.ts'
import { exitCodeOf as provisioningCode } from '../../../machine/index.ts'
import { exitCodeOf } from '../../output/print-error.ts'

/** What `machine` ends with for an error: 10 unreachable, 11 host key, 12 login, 13 rights there, and else as everywhere. */
export function exitCodeOfMachine(error: unknown): number {
  const code = provisioningCode(error)
  return code === EXIT_CODES.failed ? exitCodeOf(error) : code
}
