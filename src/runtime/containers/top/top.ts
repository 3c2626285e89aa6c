import { readFile } from 'node:fs/promises'
import { cgroupProcesses } from '../../linux/process/cgroups.ts'
import { notRunning } from '../container-errors.ts'
import { cgroupPath } from '../life/bundle.ts'
import { isRunning } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { type ProcessFiles, processRow, usersOf } from './process-row.ts'
import { runPs } from './run-ps.ts'
import type { TopView } from './top-view.ts'

const DEFAULT_ARGS = '-ef'
const TITLES = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']

/** The processes of a container in the columns of `ps -ef`, read from /proc, or in those that arguments for `ps` ask for. */
export async function topOf(
  room: Room,
  reference: string,
  { psArgs = DEFAULT_ARGS }: { readonly psArgs?: string } = {},
): Promise<TopView> {
  const record = room.table.get(reference)
  if (!isRunning(record)) throw notRunning(record.id)
  const pids = await cgroupProcesses(room.cgroups, cgroupPath(room, record))
  const view = psArgs === DEFAULT_ARGS ? await processesOf(room, pids) : await runPs(psArgs, pids, room.clock)
  emitContainer(room, record, 'top')
  return view
}

async function processesOf(room: Room, pids: readonly number[]): Promise<TopView> {
  const [uptime, passwd] = await Promise.all([
    readFile('/proc/uptime', 'utf8'),
    readFile('/etc/passwd', 'utf8').catch(() => ''),
  ])
  const nowMs = room.clock.nowMs()
  const context = { nowMs, bootMs: nowMs - Number(uptime.split(' ')[0]) * 1_000, users: usersOf(passwd) }
  const processes = await Promise.all(pids.map(readProcess))
  const rows = processes.filter(files => files !== undefined).map(files => processRow(files, context))
  return { Titles: TITLES, Processes: rows }
}

/** Undefined for a process that ended meanwhile. */
async function readProcess(pid: number): Promise<ProcessFiles | undefined> {
  const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8')
  try {
    const [stat, status, cmdline] = await Promise.all([read('stat'), read('status'), read('cmdline')])
    return { stat, status, cmdline }
  } catch {
    return undefined
  }
}
