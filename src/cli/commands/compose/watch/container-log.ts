import type { TaskView } from '../../../../core/model/control-api.ts'
import type { PrintedLine } from '../../../../core/model/task.ts'
import type { Transport } from '../../../../docker-api/index.ts'
import { readOutput } from '../../../manager/multiplexed.ts'

/** Which lines of a log are meant. */
export interface LogRange {
  /** The last ones. */
  readonly tail?: number | undefined
  /** Only lines behind this time. */
  readonly after?: string | undefined
  readonly sinceMs?: number | undefined
  readonly untilMs?: number | undefined
}

export interface ReadLogOptions extends LogRange {
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** Reads a container's log line by line, over the manager's Docker API. */
export async function* readLog(
  transport: Transport,
  container: string,
  options: ReadLogOptions,
): AsyncGenerator<PrintedLine> {
  const { follow, tail, after, sinceMs, untilMs, signal } = options
  const since = after === undefined ? sinceMs : Date.parse(after)
  const seconds = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : (ms / 1_000).toFixed(3)
  const response = await transport.send({
    method: 'GET',
    path: `/containers/${encodeURIComponent(container)}/logs`,
    query: {
      stdout: 1,
      stderr: 1,
      timestamps: 1,
      follow: follow ? 1 : 0,
      tail,
      since: seconds(since),
      until: seconds(untilMs),
    },
    signal,
    // A silent container may send nothing, not even the head of an answer, for hours.
    ...(follow ? { responseMs: Number.POSITIVE_INFINITY } : {}),
  })
  const rest = { stdout: '', stderr: '' }
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  for await (const { stream, data } of readOutput(response, response.headers['content-type'] ?? '')) {
    const lines = `${rest[stream]}${decoders[stream].decode(data, { stream: true })}`.split('\n')
    rest[stream] = lines.pop() ?? ''
    for (const line of lines) {
      const parsed = parseLine(line, stream)
      if (isAfter(parsed, after)) yield parsed
    }
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const parsed = parseLine(rest[stream], stream)
    if (rest[stream] !== '' && isAfter(parsed, after)) yield parsed
  }
}

/** What is kept of the output of a task whose container is no more, as {@link readLog} would give it. Pure. */
export function keptLines({ printed = [] }: Pick<TaskView, 'printed'>, range: LogRange): readonly PrintedLine[] {
  const { tail, after, sinceMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = range
  const isMeant = (line: PrintedLine): boolean => {
    const ms = Date.parse(line.time)
    return ms >= sinceMs && ms <= untilMs && isAfter(line, after)
  }
  const lines = printed.filter(isMeant)
  return tail === undefined ? lines : lines.slice(Math.max(0, lines.length - tail))
}

function parseLine(line: string, stream: 'stdout' | 'stderr'): PrintedLine {
  const [, time = '', text = ''] = /^(\d{4}-\d\d-\d\dT[\d:.]+Z?(?:[+-]\d\d:\d\d)?) ?(.*)$/s.exec(line) ?? ['', '', line]
  return { time, text: text.replace(/\r$/, ''), stream }
}

/** The `since` of the API counts in whole milliseconds here; the text of the time tells the rest. */
function isAfter(line: PrintedLine, after: string | undefined): boolean {
  return after === undefined || line.time === '' || compareTimes(line.time, after) > 0
}

/** Orders RFC 3339 times in UTC, fractions of any length. */
export function compareTimes(a: string, b: string): number {
  const [left, right] = [splitTime(a), splitTime(b)]
  if (left.seconds !== right.seconds) return left.seconds < right.seconds ? -1 : 1
  return left.fraction === right.fraction ? 0 : left.fraction < right.fraction ? -1 : 1
}

function splitTime(time: string): { readonly seconds: string; readonly fraction: string } {
  const [seconds = '', fraction = ''] = time.replace(/Z$/, '').split('.')
  return { seconds, fraction: fraction.padEnd(9, '0') }
}
