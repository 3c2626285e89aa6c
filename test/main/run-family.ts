import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type CommandGroup, runProgram } from '../../src/cli/index.ts'
import { FAMILIES, umbrella } from '../../src/main/programs.ts'
import { quietContext } from '../cli/support/context.ts'

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line in this process, as version 1.2.3. */
export async function run(
  root: CommandGroup,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const context = quietContext({ stdout, stderr, env })
  const code = await runProgram(argv, { root, version: '1.2.3' }, context)
  stdout.end()
  stderr.end()
  return { code, stdout: await text(stdout), stderr: await text(stderr) }
}

/** The same for one of the families under its own name. */
export function runFamily(name: string, argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran> {
  return run(FAMILIES[name] ?? umbrella, argv, env)
}
