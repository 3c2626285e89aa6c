import { EXIT_CODES, errorMessage, ShoalError } from '../../core/errors.ts'
import type { OutputStream } from '../command.ts'
import { UsageError } from '../usage.ts'

/** Codes of errors in how a command was typed, not in what it met. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'BAD_FLAG',
  'BAD_TEMPLATE',
  'BAD_PORT',
  'BAD_HOST',
  'INSECURE_HOST',
  'UNKNOWN_COMMAND',
  'BAD_DETACH_KEYS',
  'BAD_MACHINE_NAME',
  'BAD_STEP',
  'NO_MACHINE_NAME',
  'NO_SUCH_DRIVER',
])

/** Prints an error for a person, one sentence and never a stack, and gives the exit code that goes with it. */
export function printError(error: unknown, stderr: OutputStream): number {
  const message = errorMessage(error).trimEnd()
  stderr.write(`${message === '' ? 'Cannot go on: unknown error' : message}\n`)
  return exitCodeOf(error)
}

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof ShoalError)) return EXIT_CODES.failed
  if (error instanceof UsageError) return error.exitCode
  if (USAGE_CODES.has(error.code)) return EXIT_CODES.usage
  return error.details['refused'] === true ? EXIT_CODES.refused : EXIT_CODES.failed
}
