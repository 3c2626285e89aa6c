import { spawn } from 'node:child_process'
import { constants as access, accessSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Clock, withDeadline } from '../../../core/clock.ts'
import { failed } from '../../../core/errors.ts'

/** Where programs are looked for; the environment of whoever started the engine has no say. */
export const PROGRAM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const OUTPUT_CHARS_MAX = 1 << 20
const STDERR_CHARS_MAX = 4_000

export interface CommandOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** The full path of a program; undefined if it is not installed. A path is only checked. */
export function findProgram(name: string): string | undefined {
  const candidates = name.includes('/') ? [name] : PROGRAM_PATH.split(':').map(folder => join(folder, name))
  return candidates.find(candidate => {
    try {
      accessSync(candidate, access.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/**
 * Runs a program to its end and resolves with its standard output.
 * Throws COMMAND_FAILED naming the command, with what it said on standard error in the message and in `details.stderr`.
 */
export function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { clock, timeoutMs, signal: outer } = options
  const command = `${basename(program)} ${args.join(' ')}`
  return withDeadline(signal => collect(program, args, { command, signal }), timeoutMs, {
    clock,
    signal: outer,
    onTimeout: () => failed('COMMAND_FAILED', `${command} did not end within ${timeoutMs / 1_000} s`),
  })
}

function collect(
  program: string,
  args: readonly string[],
  { command, signal }: { readonly command: string; readonly signal: AbortSignal },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { PATH: PROGRAM_PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(0, OUTPUT_CHARS_MAX)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARS_MAX)
    })
    child.on('error', cause => reject(failed('COMMAND_FAILED', `Cannot run ${command}`, { cause })))
    child.on('close', (code, killed) => {
      if (code === 0) return resolve(stdout)
      const how = code === null ? `was ended by ${killed}` : `failed with code ${code}`
      reject(failed('COMMAND_FAILED', `${command} ${how}: ${stderr.trim()}`, { details: { stderr } }))
    })
  })
}
