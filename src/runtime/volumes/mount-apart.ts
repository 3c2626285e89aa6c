import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { failed } from '../../core/errors.ts'
import type { MountRequest } from '../linux/mount.ts'
import { SyscallError } from '../linux/process/libc.ts'
import { programBeside } from '../linux/process/program-beside.ts'
import { PROGRAM_PATH } from '../linux/process/run-command.ts'
import type { MountReply } from './mount-program.ts'

/** A server that does not answer holds a mount up; a client's request waits no longer than this. */
const MOUNT_MS_MAX = 60_000

export interface MountApart {
  readonly clock: Clock
  /** Absent: 60 s. */
  readonly timeoutMs?: number
  /** What is run in place of the program, for tests of a mount that never ends. */
  readonly program?: URL
}

/**
 * mount(2) in a process of its own, since one of a server that is down would hold up every request of this one. The process
 * is told over a channel, not in its arguments, which everybody on the host can read, passwords and all.
 * Throws what mount(2) says, as a SyscallError, or MOUNT_SILENT.
 */
export async function mountApart(request: MountRequest, { clock, timeoutMs = MOUNT_MS_MAX, program }: MountApart) {
  const why = `the server did not answer within ${timeoutMs / 1_000} s`
  const { errno } = await withDeadline(
    signal => runProgram(request, program ?? programBeside(import.meta.url, 'mount-program'), signal),
    timeoutMs,
    {
      clock,
      onTimeout: () => failed('MOUNT_SILENT', why),
    },
  )
  if (errno !== 0) throw new SyscallError('mount', errno)
}

function runProgram(request: MountRequest, program: URL, signal: AbortSignal): Promise<MountReply> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(program), {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
      env: { PATH: PROGRAM_PATH },
      signal,
      killSignal: 'SIGKILL',
    })
    child.once('message', (reply: MountReply) => resolve(reply))
    child.once('error', error => reject(signal.aborted ? (signal.reason as Error) : error))
    child.once('exit', () => reject(failed('MOUNT_FAILED', 'the process that mounts ended: try again')))
    child.send(request, error => {
      if (error !== null) reject(error)
    })
  })
}
