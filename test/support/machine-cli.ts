import { execFile } from 'node:child_process'

/** What `machine` printed, and how it ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const MS_MAX = 300_000

/** The real program from its sources, with a store of its own. */
export function machineCli(store: string): (argv: readonly string[], input?: string) => Promise<Ended> {
  return (argv, input = '') =>
    new Promise(resolve => {
      const words = ['src/main/cli.ts', 'machine', '--storage-path', store, ...argv]
      const child = execFile(process.execPath, words, { timeout: MS_MAX }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
      )
      child.stdin?.end(input)
    })
}
