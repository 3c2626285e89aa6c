import { closeSync, readFileSync } from 'node:fs'
import { errorCode } from '../../../core/errors.ts'
import { libcFunction, SyscallError } from './libc.ts'

const PIDFD_SEND_SIGNAL = 424
const PIDFD_OPEN = 434

const sysPidfdOpen = libcFunction<[number, number, number]>('long syscall(long number, int pid, unsigned int flags)')
const sysPidfdSendSignal = libcFunction<[number, number, number, null, number]>(
  'long syscall(long number, int pidfd, int signal, const void *info, unsigned int flags)',
)

/** A process, told from a later one with the same pid by when it began. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks after the boot, as /proc/<pid>/stat has it. */
  readonly startTicks: string
  readonly bootId: string
}

/** Identifies a process that runs now; undefined if there is none with this pid. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid)
  return stat === undefined ? undefined : { pid, startTicks: stat.startTicks, bootId: bootId() }
}

/** Whether the process still runs: a zombie does not. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid)
  if (stat === undefined || stat.startTicks !== identity.startTicks) return false
  return !['Z', 'X'].includes(stat.state) && identity.bootId === bootId()
}

/** Sends a signal to exactly this process; false if it has ended. */
export function sendSignal(identity: ProcessIdentity, signal: number): boolean {
  let pidfd: number
  try {
    pidfd = sysPidfdOpen(PIDFD_OPEN, identity.pid, 0)
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false
    throw error
  }
  try {
    // Looked at after opening: from here on the descriptor cannot come to mean another process.
    if (!isAlive(identity)) return false
    sysPidfdSendSignal(PIDFD_SEND_SIGNAL, pidfd, signal, null, 0)
    return true
  } catch (error) {
    if (error instanceof SyscallError && error.code === 'ESRCH') return false
    throw error
  } finally {
    closeSync(pidfd)
  }
}

interface ProcStat {
  readonly state: string
  readonly startTicks: string
}

function readStat(pid: number): ProcStat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
  // The command in parentheses may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' }
}

let thisBoot: string | undefined

/** Read once: it stays the same as long as this process can. */
function bootId(): string {
  thisBoot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return thisBoot
}
