import type { ProgressMessage } from '../../docker-api/index.ts'
import type { OutputStream } from '../command.ts'
import { ellipsis } from './shorten.ts'
import { humanSize } from './size.ts'

/** Shows what a pull, push, load or build tells on the way. */
export interface ProgressDisplay {
  readonly show: (message: ProgressMessage) => void
}

/** On a terminal one line for each layer, with a bar that grows; otherwise a line for each piece of news. */
export function createProgressDisplay(output: OutputStream): ProgressDisplay {
  return output.isTTY === true ? createBars(output) : { show: message => showPlain(message, output) }
}

/** As docker without a terminal: news of layers without their bars. */
function showPlain({ stream, status, id, progressDetail }: ProgressMessage, output: OutputStream): void {
  if (stream !== undefined) output.write(stream)
  else if (status !== undefined && progressDetail?.current === undefined) {
    output.write(`${id === undefined || id === '' ? '' : `${id}: `}${status}\n`)
  }
}

const BAR_CHARS = 50
const CLEAR_LINE = '\u001b[2K\r'

function createBars(output: OutputStream): ProgressDisplay {
  /** Line of each id, from the top of the block. */
  const lines = new Map<string, number>()
  return {
    show(message) {
      const { id, stream, status } = message
      if (stream !== undefined) return void output.write(stream)
      if (id === undefined || id === '' || status === undefined) {
        // What comes next is below: the lines above are finished.
        lines.clear()
        return void output.write(`${status ?? ''}\n`)
      }
      const known = lines.get(id)
      if (known === undefined) {
        lines.set(id, lines.size)
        return void output.write(`${line(message, output.columns)}\n`)
      }
      const up = lines.size - known
      output.write(`\u001b[${up}A${CLEAR_LINE}${line(message, output.columns)}\r\u001b[${up}B`)
    },
  }
}

function line({ id = '', status = '', progressDetail }: ProgressMessage, columns = 80): string {
  const { current = 0, total = 0 } = progressDetail ?? {}
  const start = `${id}: ${status} `
  return ellipsis(current > 0 || total > 0 ? start + barText({ current, total }, columns) : start, columns)
}

/** `[====>    ]  1.2MB/3.4MB`, and without the bar on a narrow terminal. */
export function barText(
  { current, total }: { readonly current: number; readonly total: number },
  columns: number,
): string {
  if (total <= 0) return humanSize(current).padStart(8)
  const share = Math.min(1, current / total)
  const filled = Math.round(share * BAR_CHARS)
  const bar = `[${'='.repeat(filled)}>${' '.repeat(BAR_CHARS - filled)}] `
  const sizes = `${humanSize(current).padStart(8)}/${humanSize(total)}`
  return columns < 110 ? sizes : bar + sizes
}
