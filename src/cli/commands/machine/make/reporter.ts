import type { ProvisionEvent } from '../../../../machine/index.ts'
import type { CommandContext, Options } from '../../../command.ts'
import { createProgress } from '../../../output/progress/progress.ts'

/** What is told of machines while they are made. */
export interface Reporter {
  readonly event: (event: ProvisionEvent) => void
  /** A line on a machine that belongs to no step of provisioning. */
  readonly say: (machine: string, line: string) => void
  /** How it ended for one machine. */
  readonly conclude: (conclusion: Conclusion) => void
  /** From here on others write to the terminal, such as a question. */
  readonly end: () => void
}

export interface Conclusion {
  readonly machine: string
  readonly ok: boolean
  readonly message: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** A line a machine on a terminal, `[n1] step: message` elsewhere, and lines of JSON on stdout where a program reads. */
export function createReporter(options: Options, context: CommandContext): Reporter {
  const kind = options.flag('json') ? 'json' : (options.text('progress') ?? 'auto')
  if (kind === 'json') return asJson(context)
  const isPlain = kind === 'plain' || (kind === 'auto' && context.stderr.isTTY !== true)
  return isPlain ? inLines(context) : onTerminal(kind, context)
}

function asJson({ stdout, clock }: CommandContext): Reporter {
  const print = (line: object): void => void stdout.write(`${JSON.stringify(line)}\n`)
  const ts = (): string => new Date(clock.nowMs()).toISOString()
  return {
    event: print,
    say: (machine, message) => print({ ts: ts(), machine, event: 'progress', message }),
    conclude: ({ machine, ok, message, data = {} }) =>
      print({ ts: ts(), machine, event: ok ? 'done' : 'failed', message, ...data }),
    end() {},
  }
}

function inLines({ stderr }: CommandContext): Reporter {
  const print = (machine: string, line: string): void => void stderr.write(`[${machine}] ${line}\n`)
  return {
    // How it failed is told at the end.
    event: ({ machine, step, event, message }) => {
      if (event !== 'start' && event !== 'fail')
        print(machine, `${step}: ${event === 'undo' ? 'taken back: ' : ''}${message}`)
    },
    say: print,
    conclude: ({ machine, message }) => print(machine, message),
    end() {},
  }
}

/** One line for each machine, which says at which step it is. Throws BAD_FLAG for another kind of progress. */
function onTerminal(kind: string, context: CommandContext): Reporter {
  const progress = createProgress({ text: name => (name === 'progress' ? kind : undefined) }, context)
  const tell = (machine: string, news: string): void => progress.tell(`Machine ${machine}`, news)
  return {
    event({ machine, step, index, total, event, message }) {
      const place = `Provisioning ${index}/${total} ${step}`
      if (event === 'change') progress.print(`[${machine}] ${step}: ${message}\n`)
      else tell(machine, message === '' ? place : `${place}: ${message}`)
    },
    say: (machine, line) => tell(machine, `Creating: ${line}`),
    conclude: ({ machine, message }) => tell(machine, message),
    end: () => progress.end(),
  }
}
