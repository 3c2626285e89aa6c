import { readFile } from 'node:fs/promises'
import { cgroupProcesses } from '../../linux/cgroups.ts'
import { notRunning } from '../container-errors.ts'
import { isRunning } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { cgroupPath } from '../write-bundle.ts'
import { runPs } from './run-ps.ts'
import type { TopView } from './top-view.ts'

const DEFAULT_ARGS = '-ef'
const TITLES = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']
/** USER_HZ, which the kernel never changes for user space. */
const TICKS_PER_SECOND = 100

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
  const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0])
  const bootMs = room.clock.nowMs() - uptime * 1_000
  const rows = await Promise.all(pids.map(pid => rowOf(pid, bootMs)))
  return { Titles: TITLES, Processes: rows.filter(row => row !== undefined) }
}

/** Undefined for a process that ended meanwhile. */
async function rowOf(pid: number, bootMs: number): Promise<string[] | undefined> {
  try {
    const [stat, status, cmdline] = await Promise.all(
      ['stat', 'status', 'cmdline'].map(name => readFile(`/proc/${pid}/${name}`, 'utf8')),
    )
    const [comm, fields] = splitStat(stat ?? '')
    const uid = /^Uid:\s+(\d+)/m.exec(status ?? '')?.[1] ?? '0'
    const seconds = Math.floor((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND)
    const started = new Date(bootMs + (Number(fields[19]) / TICKS_PER_SECOND) * 1_000)
    const command = (cmdline ?? '').split('\0').join(' ').trim()
    return [
      uid === '0' ? 'root' : uid,
      String(pid),
      fields[1] ?? '0',
      '0',
      started.toISOString().slice(11, 16),
      terminalName(Number(fields[4])),
      [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
        .map(n => String(n).padStart(2, '0'))
        .join(':'),
      command === '' ? `[${comm}]` : command,
    ]
  } catch {
    return undefined
  }
}

function splitStat(text: string): [string, string[]] {
  const end = text.lastIndexOf(')')
  return [text.slice(text.indexOf('(') + 1, end), text.slice(end + 2).split(' ')]
}

function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff
  return major >= 136 && major <= 143 ? `pts/${(major - 136) * 256 + (device & 0xff)}` : '?'
}
