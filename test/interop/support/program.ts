import { spawn } from 'node:child_process'
import { systemClock } from '../../../src/core/clock.ts'

export interface ProgramOptions {
  readonly input?: string | Buffer
  readonly environment?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Ends the program with SIGINT once its output contains this. */
  readonly until?: string
  /** Runs it behind a terminal of 30 rows and 100 columns, and types each text once the output shows what it waits for. */
  readonly dialogue?: readonly { readonly after: string; readonly type: string }[]
}

export interface ProgramResult {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

const PROGRAM_MS_MAX = 60_000

/** Runs a program to its end, or until it is told to end; resolves with whatever came of it. */
export function runProgram(argv: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const [program = '', ...rest] = options.dialogue === undefined ? argv : behindTerminal(argv)
  const child = spawn(program, rest, { env: options.environment, cwd: options.cwd, stdio: 'pipe' })
  const timer = systemClock.setTimer(PROGRAM_MS_MAX, () => child.kill('SIGKILL'))
  const output: Buffer[] = []
  let stderr = ''
  let seen = ''
  const waiting = [...(options.dialogue ?? [])]
  if (waiting[0]?.after === '') child.stdin.write(waiting.shift()?.type ?? '')
  child.stdout.on('data', (data: Buffer) => {
    output.push(data)
    seen += data.toString()
    const next = waiting[0]
    if (next !== undefined && seen.includes(next.after)) {
      waiting.shift()
      seen = ''
      child.stdin.write(next.type)
    }
    if (options.until !== undefined && seen.includes(options.until)) child.kill('SIGINT')
  })
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  // A program that ends before it reads its input is no failure of the test.
  child.stdin.on('error', () => {})
  if (options.dialogue === undefined) child.stdin.end(options.input ?? '')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      timer.cancel()
      resolve({ code: code ?? -1, stdout: Buffer.concat(output), stderr })
    })
  })
}

/** script(1) makes the terminal; its exit code is the program's. */
function behindTerminal(argv: readonly string[]): readonly string[] {
  const words = argv.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  return ['script', '--quiet', '--return', '--command', `stty rows 30 cols 100; ${words}`, '/dev/null']
}
