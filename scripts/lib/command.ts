import { spawn } from 'node:child_process'

export interface CommandOptions {
  /** Milliseconds until it is killed; 180,000 unless told: it ends a program that hangs, whatever else the machine does. */
  readonly timeoutMs?: number
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** Runs a program to its end and resolves with what it wrote; rejects with its name and its last words if it failed. */
export function command(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { timeoutMs = 180_000, input, env, cwd } = options
  const [program = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: env ?? process.env, cwd, timeout: timeoutMs, killSignal: 'SIGKILL' })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', chunk => {
      stdout += String(chunk)
    })
    child.stderr.on('data', chunk => {
      stderr += String(chunk)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(stdout)
      const end = signal === null ? `exit code ${code}` : signal
      reject(new Error(`${argv.join(' ')}: ${end}: ${(stderr || stdout).trim().split('\n').slice(-5).join('\n')}`))
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
  })
}

/**
 * Polls until `probe` gives a value that is not undefined; rejects, saying what it waited for, when time is up. What is waited
 * for takes seconds; on a machine that has much else to do it may take a minute.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  { timeoutMs = 120_000, everyMs = 100 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value !== undefined) return value
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline)
      throw new Error(`Timed out after ${timeoutMs / 1000} s waiting for ${what}`, { cause: last })
    await new Promise(resolve => setTimeout(resolve, everyMs))
  }
}
