import type { TaskView } from '../../../../core/model/control-api.ts'
import type { PrintedLine } from '../../../../core/model/task.ts'
import type { CommandContext } from '../../../command.ts'
import type { Paint } from '../../../output/colour.ts'
import { tameLine } from '../../../output/tame-line.ts'

export interface LinePrinter {
  /** Makes room for the name of a container that may print. */
  readonly name: (task: TaskView) => void
  readonly print: (task: TaskView, line: PrintedLine) => void
  /** A remark about a container, not from it. */
  readonly note: (task: TaskView, text: string) => void
}

export interface PrinterOptions {
  readonly paint: Paint
  readonly timestamps: boolean
  readonly prefix: boolean
}

/** Prints lines as `web-1  | text`, each container in its colour; what went to stderr goes to stderr. */
export function createLinePrinter(context: CommandContext, { paint, timestamps, prefix }: PrinterOptions): LinePrinter {
  const colours = new Map<string, number>()
  let width = 0
  const shortName = (task: TaskView): string => `${task.service}-${task.slot}`
  const name = (task: TaskView): void => {
    const short = shortName(task)
    if (!colours.has(short)) colours.set(short, colours.size)
    width = Math.max(width, short.length + 1)
  }
  const head = (task: TaskView): string => {
    name(task)
    const short = shortName(task)
    return prefix ? paint(colours.get(short) ?? 0, `${short.padEnd(width)}| `) : ''
  }
  return {
    name,
    print(task, line) {
      const out = line.stream === 'stderr' ? context.stderr : context.stdout
      const text = prefix ? tameLine(line.text) : line.text
      out.write(`${head(task)}${timestamps ? `${line.time} ` : ''}${text}\n`)
    },
    note(task, text) {
      context.stderr.write(`${shortName(task)} ${text}\n`)
    },
  }
}
