import { VERSION } from './version.ts'

/** Runs one command line of `shoal`, `swarm`, `compose` or `machine`; resolves with the exit code. */
export async function runLauncher(program: string, argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
    // Asked by scripts again and again: it must not wait for the commands to be loaded.
    process.stdout.write(`${program} version ${VERSION}\n`)
    return 0
  }
  const [{ createTunnels, runProgram }, { FAMILIES, umbrella }, { processContext }] = await Promise.all([
    import('../cli/index.ts'),
    import('./programs.ts'),
    import('./context.ts'),
  ])
  const context = processContext()
  const tunnels = createTunnels(context)
  try {
    return await runProgram(argv, { root: FAMILIES[program] ?? umbrella, version: VERSION }, { ...context, tunnels })
  } finally {
    await tunnels.close()
  }
}
