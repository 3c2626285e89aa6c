import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { until } from './command.ts'

/** A process that outlives this program, remembered in a file: its pid and its start time, so that a reused pid is not it. */
export interface Remembered {
  readonly pid: number
  readonly startTicks: string
}

/** Starts a program in a session of its own, its output appended to `log`; resolves with what was written to `file`. */
export function startRemembered(
  file: string,
  argv: readonly string[],
  { log, env }: { log: string; env?: NodeJS.ProcessEnv },
): Remembered {
  mkdirSync(dirname(file), { recursive: true })
  mkdirSync(dirname(log), { recursive: true })
  const output = openSync(log, 'a')
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', output, output],
    env: env ?? process.env,
    cwd: '/',
  })
  child.on('error', () => {})
  closeSync(output)
  if (child.pid === undefined) throw new Error(`Cannot start ${program}: is it installed?`)
  child.unref()
  const remembered = { pid: child.pid, startTicks: startTicksOf(child.pid) ?? '' }
  writeFileSync(file, JSON.stringify(remembered))
  return remembered
}

/** The remembered process if it still runs. */
export function recall(file: string): Remembered | undefined {
  try {
    const remembered = JSON.parse(readFileSync(file, 'utf8')) as Remembered
    return startTicksOf(remembered.pid) === remembered.startTicks ? remembered : undefined
  } catch {
    return undefined
  }
}

/** Ends the remembered process and forgets it; SIGKILL if it does not go within `graceMs`. */
export async function endRemembered(file: string, { graceMs = 5_000 }: { graceMs?: number } = {}): Promise<void> {
  const remembered = recall(file)
  if (remembered !== undefined) {
    signalQuietly(remembered.pid, graceMs > 0 ? 'SIGTERM' : 'SIGKILL')
    try {
      await until(`process ${remembered.pid} to end`, async () => (recall(file) === undefined ? true : undefined), {
        timeoutMs: Math.max(graceMs, 100),
        everyMs: 20,
      })
    } catch {
      signalQuietly(remembered.pid, 'SIGKILL')
      await until(`process ${remembered.pid} to die`, async () => (recall(file) === undefined ? true : undefined), {
        everyMs: 20,
      })
    }
  }
  rmSync(file, { force: true })
}

/** Sends a signal; a process that is gone already is fine. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself.
  }
}

/**
 * The processes of the pid namespace whose process 1 is given, and all below them, which may be in namespaces of their own.
 * What enters a namespace from outside is no child of its process 1, so neither the tree nor the namespace alone would do.
 */
export function processesInside(initPid: number): number[] {
  const namespace = pidNamespaceOf(initPid)
  if (namespace === undefined) return []
  const everybody = readdirSync('/proc').map(Number).filter(Number.isInteger)
  const found = new Set(everybody.filter(pid => pidNamespaceOf(pid) === namespace))
  for (const pid of found) for (const child of childrenOf(pid)) found.add(child)
  return [...found]
}

/** A process's command line, arguments joined by spaces; empty if it is gone. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** Field 22 of /proc/PID/stat; undefined for a process that is gone or a zombie. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function pidNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}

function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const lists = threads.map(thread => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'))
    return lists.flatMap(list => list.trim().split(' ').filter(Boolean).map(Number))
  } catch {
    return []
  }
}
