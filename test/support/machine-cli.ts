import { execFile } from 'node:child_process'

/** What `machine` printed, and how it ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const MS_MAX = 300_000

/** Runs a command; `hear` is given what it writes to stderr as it goes on. */
export type MachineCli = (argv: readonly string[], input?: string, hear?: (said: string) => void) => Promise<Ended>

/** The real program from its sources, with a store of its own. */
export function machineCli(store: string, msMax = MS_MAX): MachineCli {
  return (argv, input = '', hear) =>
    new Promise(resolve => {
      const words = ['src/main/cli.ts', 'machine', '--storage-path', store, ...argv]
      const child = execFile(process.execPath, words, { timeout: msMax }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
      )
      if (hear !== undefined) child.stderr?.on('data', said => hear(String(said)))
      child.stdin?.end(input)
    })
}

/** What a shell has set once it has done what `machine env --shell sh` prints. */
export function environmentOf(printed: string): Record<string, string> {
  return Object.fromEntries(
    [...printed.matchAll(/export (\w+)="(.*)"/g)].map(([, name = '', value = '']) => [name, value]),
  )
}
