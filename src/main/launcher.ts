import type { CommandGroup } from '../cli/index.ts'
import { runProgram } from '../cli/index.ts'
import { processContext } from './context.ts'
import { FAMILIES, umbrella } from './programs.ts'
import { VERSION } from './version.ts'

/** Runs one command line of `shoal`, `swarm`, `compose` or `machine`; resolves with the exit code. */
export async function runLauncher(program: string, argv: readonly string[]): Promise<number> {
  const root: CommandGroup = FAMILIES[program] ?? umbrella
  return runProgram(argv, { root, version: VERSION }, processContext())
}
