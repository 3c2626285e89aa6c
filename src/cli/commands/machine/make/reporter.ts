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
  /** Asks the person something while nothing else is written to the terminal. */
  readonly pausing: <T>(question: () => Promise<T>) => Promise<T>
  /** From here on others write to the terminal, such as a question. */
  readonly end: () => void
}

export interface Conclusion {
  readonly machine: string
  readonly ok: boolean
  readonly message: string
  /** Whether something was changed, or in a dry run would be. */
  readonly isChange?: boolean
  readonly data?: Readonly<Record<string, unknown>>
}

/** A line a machine on a terminal, `[n1] step: message` elsewhere, and lines of JSON on stdout where a program reads. */
export function createReporter(options: Options, context: CommandContext): Reporter {
  const kind = options.flag('json') ? 'json' : (options.text('progress') ?? 'auto')
  if (kind === 'json') return asJson(context)
  const isPlain = kind === 'plain' || (kind === 'auto' && context.stderr.isTTY !== true)
  const news = newsOf(options.flag('dryRun'))
  return isPlain ? inLines(context, news) : onTerminal(kind, { context, news })
}

function asJson({ stdout, clock }: CommandContext): Reporter {
  const print = (line: object): void => void stdout.write(`${JSON.stringify(line)}\n`)
  const ts = (): string => new Date(clock.nowMs()).toISOString()
  return {
    event: print,
    say: (machine, message) => print({ ts: ts(), machine, event: 'progress', message }),
    conclude: ({ machine, ok, message, data = {} }) =>
      print({ ts: ts(), machine, event: ok ? 'done' : 'failed', message, ...data }),
    pausing: question => question(),
    end() {},
  }
}

type News = (event: ProvisionEvent) => string | undefined

/**
 * What of an event is news, so that every change is told once, when it is made: the plan is only told where it is all there is, and a
 * step that has ended says no more what it did. Undefined: nothing is.
 */
function newsOf(isDryRun: boolean): News {
  const changed = new Set<string>()
  return ({ machine, step, event, message }) => {
    if (event === 'start' || (event === 'change' && step === 'plan' && !isDryRun)) return undefined
    const place = `${machine} ${step}`
    if (event === 'change') changed.add(place)
    return event === 'ok' && step !== 'plan' && changed.has(place) ? 'done' : message
  }
}

function inLines({ stderr }: CommandContext, news: News): Reporter {
  const print = (machine: string, line: string): void => void stderr.write(`[${machine}] ${line}\n`)
  return {
    // How it failed is told at the end.
    event: event => {
      const message = news(event)
      if (message === undefined || event.event === 'fail') return
      print(event.machine, `${event.step}: ${event.event === 'undo' ? 'taken back: ' : ''}${message}`)
    },
    say: print,
    conclude: ({ machine, message }) => print(machine, message),
    pausing: question => question(),
    end() {},
  }
}

interface Shown {
  readonly context: CommandContext
  readonly news: News
}

/** One line for each machine, which says at which step it is. Throws BAD_FLAG for another kind of progress. */
function onTerminal(kind: string, { context, news }: Shown): Reporter {
  const progress = createProgress({ text: name => (name === 'progress' ? kind : undefined) }, context)
  const tell = (machine: string, news: string): void => progress.tell(`Machine ${machine}`, news)
  return {
    event(told) {
      const { machine, step, index, total, event, message } = told
      const place = `Provisioning ${index}/${total} ${step}`
      const isNew = news(told) !== undefined
      if (event === 'change') return isNew ? progress.print(`[${machine}] ${step}: ${message}\n`) : undefined
      tell(machine, message === '' ? place : `${place}: ${message}`)
    },
    say: (machine, line) => tell(machine, `Creating: ${line}`),
    conclude({ machine, ok, message }) {
      if (ok) return tell(machine, message)
      // A line of the tree is cut off at its end, where it says what to do.
      progress.print(`[${machine}] ${message}\n`)
      tell(machine, message.replace(/[:;].*/su, ''))
    },
    pausing: question => progress.pausing(question),
    end: () => progress.end(),
  }
}
