import type { CommandGroup } from '../cli/index.ts'
import { awakeClock } from '../core/awake-clock.ts'
import { VERSION } from './version.ts'

/** Runs one command line of `shoal`, `swarm`, `compose` or `machine`; resolves with the exit code. */
export async function runLauncher(program: string, argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
    // Asked by scripts again and again: it must not wait for the commands to be loaded.
    process.stdout.write(`${program} version ${VERSION}\n`)
    return 0
  }
  const [{ createTunnels, runProgram, compose }, { processContext }] = await Promise.all([
    import('./compose-family.ts'),
    import('./context.ts'),
  ])
  // Scripts ask compose again and again, and it needs nothing of the other families.
  const root = program === 'compose' ? compose : await familyOf(program)
  const context = processContext()
  const tunnels = createTunnels({ ...context, clock: awakeClock(context.clock) })
  try {
    return await runProgram(argv, { root, version: VERSION }, { ...context, tunnels })
  } finally {
    await tunnels.close()
  }
}

async function familyOf(program: string): Promise<CommandGroup> {
  const { FAMILIES, umbrella } = await import('./programs.ts')
  return FAMILIES[program] ?? umbrella
}
