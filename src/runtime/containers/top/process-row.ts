/** USER_HZ, which the kernel never changes for user space. */
const TICKS_PER_SECOND = 100
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** A longer name of a user is cut off. */
const USER_CHARS = 8
const PERCENT_MAX = 99

/** Files of /proc/<pid>. */
export interface ProcessFiles {
  readonly stat: string
  readonly status: string
  readonly cmdline: string
}

export interface RowContext {
  readonly nowMs: number
  readonly bootMs: number
  /** Names of the host's users by their number. */
  readonly users: ReadonlyMap<string, string>
}

/** A process in the columns of `ps -ef`: UID, PID, PPID, C, STIME, TTY, TIME and CMD. Source: procps. */
export function processRow({ stat, status, cmdline }: ProcessFiles, { nowMs, bootMs, users }: RowContext): string[] {
  const end = stat.lastIndexOf(')')
  const pid = stat.slice(0, stat.indexOf(' '))
  const comm = stat.slice(stat.indexOf('(') + 1, end)
  const fields = stat.slice(end + 2).split(' ')
  const startedMs = bootMs + (Number(fields[19]) / TICKS_PER_SECOND) * 1_000
  const usedSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  const aliveSeconds = Math.max(1, (nowMs - startedMs) / 1_000)
  const words = cmdline.split('\0').join(' ').trim()
  return [
    userName(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? '0', users),
    pid,
    fields[1] ?? '0',
    String(Math.min(PERCENT_MAX, Math.floor((usedSeconds * 100) / aliveSeconds))),
    startText(startedMs, nowMs),
    terminalName(Number(fields[4])),
    timeText(Math.floor(usedSeconds)),
    fields[0] === 'Z' ? `[${comm}] <defunct>` : words === '' ? `[${comm}]` : words,
  ]
}

/** Names of users in the text of a passwd file. */
export function usersOf(passwd: string): ReadonlyMap<string, string> {
  const lines = passwd.split('\n').map(line => line.split(':'))
  // The first line of a number counts, as for getpwuid.
  return new Map(
    lines.flatMap(([name = '', , uid]): [string, string][] => (uid === undefined ? [] : [[uid, name]])).toReversed(),
  )
}

function userName(uid: string, users: ReadonlyMap<string, string>): string {
  const name = users.get(uid) ?? uid
  return name.length > USER_CHARS ? `${name.slice(0, USER_CHARS - 1)}+` : name
}

/** The time of today, the day of this year, or the year. */
function startText(startedMs: number, nowMs: number): string {
  const [started, now] = [new Date(startedMs), new Date(nowMs)]
  if (started.getFullYear() !== now.getFullYear()) return String(started.getFullYear())
  if (started.toDateString() === now.toDateString()) return `${two(started.getHours())}:${two(started.getMinutes())}`
  return `${MONTHS[started.getMonth()]}${two(started.getDate())}`
}

function timeText(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const rest = [Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':')
  return days === 0 ? rest : `${days}-${rest}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff
  return major >= 136 && major <= 143 ? `pts/${(major - 136) * 256 + (device & 0xff)}` : '?'
}
