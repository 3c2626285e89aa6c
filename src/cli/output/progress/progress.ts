import { invalidInput } from '../../../core/errors.ts'
import type { CommandContext, Options } from '../../command.ts'
import { LiveTree } from './live-tree.ts'
import type { ProgressPart } from './tree-lines.ts'

/** Tells, on stderr, what happens to the parts of a project. */
export interface Progress {
  /** ` Service web  Created`; the same news twice is told once. */
  readonly tell: (what: string, news: string) => void
  /** What it is made of, while that is of interest; shown where there is room for it. */
  readonly parts: (what: string, parts: readonly ProgressPart[]) => void
  readonly warn: (message: string) => void
  /** What another program says, such as a builder, as it is. */
  readonly print: (text: string) => void
  /** Has others write to the terminal, on whatever stream, between what is told: it is neither lost nor in the way. */
  readonly between: (write: () => void) => void
  /** Others write to the terminal from now on: what is told now stays, and more of it comes line by line. */
  readonly end: () => void
}

/** What is told while a person may also be asked something. */
export interface PausableProgress extends Progress {
  /** Asks, with the terminal left alone until the answer is there. */
  readonly pausing: <T>(question: () => Promise<T>) => Promise<T>
}

const KINDS = ['auto', 'tty', 'plain', 'json', 'quiet'] as const
type Kind = (typeof KINDS)[number]

/**
 * A tree that is redrawn on a terminal, else plain lines; JSON lines with `--progress json`; nothing with `--progress quiet`.
 * Throws BAD_FLAG for another kind.
 */
export function createProgress(
  globals: Pick<Options, 'text'>,
  context: Pick<CommandContext, 'stderr' | 'env' | 'clock'>,
): PausableProgress {
  const kind = kindOf(globals, context)
  return kind === 'tty' ? onTerminal(context) : inLines(kind, context)
}

function kindOf(
  globals: Pick<Options, 'text'>,
  { stderr, env }: Pick<CommandContext, 'stderr' | 'env'>,
): Exclude<Kind, 'auto'> {
  const written = globals.text('progress') ?? (env['COMPOSE_PROGRESS'] || 'auto')
  const kind = KINDS.find(known => known === written)
  if (kind === undefined) {
    throw invalidInput('BAD_FLAG', `unsupported --progress value "${written}": expected ${KINDS.join(', ')}`)
  }
  if (kind !== 'auto') return kind
  const isDumb = ['', 'dumb'].includes(env['TERM'] ?? '')
  const wantsNoControls = (globals.text('ansi') ?? env['COMPOSE_ANSI']) === 'never'
  return stderr.isTTY === true && !isDumb && !wantsNoControls ? 'tty' : 'plain'
}

function inLines(kind: 'plain' | 'json' | 'quiet', { stderr }: Pick<CommandContext, 'stderr'>): PausableProgress {
  const told = new Map<string, string>()
  return {
    warn: message => void stderr.write(`Warning: ${message}\n`),
    tell(what, news) {
      if (told.get(what) === news) return
      told.set(what, news)
      if (kind === 'json') stderr.write(`${JSON.stringify({ id: what, status: news })}\n`)
      if (kind === 'plain') stderr.write(` ${what}  ${news}\n`)
    },
    parts() {},
    print: text => void stderr.write(text),
    between: write => write(),
    pausing: question => question(),
    end() {},
  }
}

function onTerminal(context: Pick<CommandContext, 'stderr' | 'env' | 'clock'>): PausableProgress {
  const tree = new LiveTree(context)
  const lines = inLines('plain', context)
  let isLive = true
  const above = (write: () => void): void => (isLive ? tree.above(write) : write())
  return {
    warn: message => above(() => lines.warn(message)),
    tell: (what, news) => (isLive ? tree.tell(what, news) : lines.tell(what, news)),
    parts: (what, parts) => (isLive ? tree.parts(what, parts) : undefined),
    print: text => above(() => lines.print(text)),
    between: above,
    async pausing(question) {
      tree.pause()
      try {
        return await question()
      } finally {
        if (isLive) tree.resume()
      }
    },
    end() {
      isLive = false
    },
  }
}
