/** One line of conmon's k8s-file format: `<RFC 3339 time> stdout|stderr F|P <text>`. `P`: the line goes on. */
export interface LogRecord {
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  readonly partial: boolean
  readonly text: Buffer
}

const SPACE = 0x20

/** Reads a record without its newline; undefined for a line that is damaged, as after a crash in the middle of a write. */
export function parseLogRecord(line: Buffer): LogRecord | undefined {
  const timeEnd = line.indexOf(SPACE)
  const streamEnd = line.indexOf(SPACE, timeEnd + 1)
  const tag = line.toString('latin1', streamEnd + 1, streamEnd + 2)
  if (timeEnd <= 0 || streamEnd <= timeEnd || (tag !== 'F' && tag !== 'P') || line[streamEnd + 2] !== SPACE)
    return undefined
  const stream = line.toString('latin1', timeEnd + 1, streamEnd)
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  return { time: line.toString('latin1', 0, timeEnd), stream, partial: tag === 'P', text: line.subarray(streamEnd + 3) }
}

/** Whether a record ends a line of output, from its raw bytes: what `tail` counts. */
export function endsLine(line: Buffer): boolean {
  return parseLogRecord(line)?.partial !== true
}

const NANOSECOND_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** The same instant in UTC with nine digits, as Docker writes it. */
export function utcNanoseconds(time: string): string {
  const [, seconds, fraction = '', zone] = NANOSECOND_TIME.exec(time) ?? []
  if (seconds === undefined) return time
  const utc = zone === 'Z' || zone === '+00:00' ? seconds : new Date(`${seconds}${zone}`).toISOString().slice(0, 19)
  return `${utc}.${fraction.padEnd(9, '0')}Z`
}
