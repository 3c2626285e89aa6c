import { EXIT_CODES, errorMessage } from '../../core/errors.ts'
import type { EngineCommand } from './engine-api.ts'
import { explained } from './engine-api.ts'

/**
 * Does something to each of the arguments, printing what it resolves with (nothing if that is empty), or the argument itself. Failures are told one by
 * one and do not stop the others; then the exit code is 1.
 */
export async function forEach(
  { args, context }: EngineCommand,
  work: (reference: string) => Promise<string | void>,
  /** Told in the end if some failed. */
  conclude: (failed: readonly string[]) => string = () => '',
): Promise<number> {
  const failures: string[] = []
  for (const reference of args) {
    try {
      const text = await work(reference)
      if (text !== '') context.stdout.write(`${text ?? reference}\n`)
    } catch (error) {
      context.signal.throwIfAborted()
      context.stderr.write(`${errorMessage(explained(error, ''))}\n`)
      failures.push(reference)
    }
  }
  if (failures.length === 0) return EXIT_CODES.done
  context.stderr.write(conclude(failures))
  return EXIT_CODES.failed
}
