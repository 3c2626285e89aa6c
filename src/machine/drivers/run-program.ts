import { spawn } from 'node:child_process'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorCode, failed, unavailable } from '../../core/errors.ts'
import { CollectedOutput } from '../ssh/collect-output.ts'

export interface ProgramOptions {
  readonly clock: Clock
  readonly env: Readonly<Record<string, string | undefined>>
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly cwd?: string
  /** Hears each line it says. */
  readonly onLine?: (line: string) => void
}

const LAST_LINES = 5

/**
 * Runs a program of this host to its end and resolves with its output. Throws PROGRAM_MISSING, PROGRAM_FAILED with its last
 * words, or PROGRAM_TIMEOUT; it is killed when cancelled.
 */
export function runProgram(words: readonly string[], options: ProgramOptions): Promise<string> {
  const [program = ''] = words
  const { clock, timeoutMs, signal } = options
  return withDeadline(inner => spawned(words, { ...options, signal: inner }), timeoutMs, {
    clock,
    signal,
    onTimeout: () => unavailable('PROGRAM_TIMEOUT', `${program} did not end within ${timeoutMs / 1_000} s`),
  })
}

function spawned(words: readonly string[], { env, signal, cwd, onLine }: ProgramOptions): Promise<string> {
  const [program = '', ...args] = words
  return new Promise((resolve, reject) => {
    // A group of its own, so that what it has started ends with it.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...env }, cwd, detached: true })
    const stop = (): void => killGroup(child.pid)
    signal.addEventListener('abort', stop, { once: true })
    const out = new CollectedOutput(child.stdout, 'stdout', onLine)
    const err = new CollectedOutput(child.stderr, 'stderr', onLine)
    child.on('error', error => {
      signal.removeEventListener('abort', stop)
      if (errorCode(error) !== 'ENOENT') return reject(error)
      reject(failed('PROGRAM_MISSING', `${program} is not on this host: install it`, { cause: error }))
    })
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', stop)
      const [output, said] = [out.finish(), err.finish()]
      if (code === 0) return resolve(output)
      const last = (said.trim() || output.trim()).split('\n').slice(-LAST_LINES).join('; ')
      reject(failed('PROGRAM_FAILED', `${program} ended with ${killedBy ?? code}${last === '' ? '' : `: ${last}`}`))
    })
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}
