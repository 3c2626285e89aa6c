import { EXIT_CODES } from '../../../../core/errors.ts'
import type { Machine } from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import type { Reporter } from './reporter.ts'

/**
 * Works on one machine after another, each while nobody else does, and ends the report then, whatever came of it. Resolves with the first
 * exit code that is not 0.
 */
export async function forEachMachine(
  names: readonly string[],
  { context, store }: Pick<MachineCommand, 'context' | 'store'>,
  reporter: Reporter,
  work: (machine: Machine) => Promise<number>,
): Promise<number> {
  const codes: number[] = []
  try {
    for (const name of names) {
      codes.push(await store.exclusively(name, context.signal, async () => work(await store.load(name))))
    }
  } finally {
    reporter.end()
  }
  return codes.find(code => code !== EXIT_CODES.done) ?? EXIT_CODES.done
}
