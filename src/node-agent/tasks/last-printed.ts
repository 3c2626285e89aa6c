import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorMessage, failed } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { PrintedLine } from '../../core/model/task.ts'
import type { Engine } from '../../docker-api/index.ts'

/** They stand in the store for as long as the task is known. */
const LINES_MAX = 20
const LINE_CHARS_MAX = 200
/** How a task ended is told without them rather than late. */
const READ_MS_MAX = 2_000

/** The last lines that a container printed; none if its engine does not tell them. */
export async function lastPrinted(
  container: string,
  { engine, clock, log }: { readonly engine: Engine; readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<readonly PrintedLine[]> {
  const onTimeout = (): Error => failed('NO_LOG', `The log of ${container} was not read in ${READ_MS_MAX / 1_000} s`)
  try {
    return await withDeadline(inTime => readEnd(container, engine, inTime), READ_MS_MAX, { clock, signal, onTimeout })
  } catch (error) {
    signal.throwIfAborted()
    // Some log drivers keep nothing.
    log.debug({ container, error: errorMessage(error) }, 'cannot read what it printed last')
    return []
  }
}

async function readEnd(container: string, { containers }: Engine, signal: AbortSignal): Promise<PrintedLine[]> {
  const options = { stdout: true, stderr: true, follow: false, tail: LINES_MAX }
  const lines: PrintedLine[] = []
  for await (const { time, data, stream } of containers.logs(container, options, signal)) {
    const text = data
      .toString()
      .replace(/\r?\n$/, '')
      .slice(0, LINE_CHARS_MAX)
    lines.push({ time, text, stream })
  }
  return lines.slice(-LINES_MAX)
}
