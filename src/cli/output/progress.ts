import type { CommandContext, Options } from '../command.ts'

/** Tells, on stderr, what happens to the parts of a project. */
export interface Progress {
  /** ` Service web  Created`; the same news twice is told once. */
  readonly tell: (what: string, news: string) => void
  readonly warn: (message: string) => void
}

/** Plain lines; JSON lines with `--progress json`; nothing with `--progress quiet`. */
export function createProgress(
  globals: Pick<Options, 'text'>,
  { stderr, env }: Pick<CommandContext, 'stderr' | 'env'>,
): Progress {
  const kind = globals.text('progress') ?? env['COMPOSE_PROGRESS'] ?? 'auto'
  const told = new Map<string, string>()
  const warn = (message: string): void => void stderr.write(`Warning: ${message}\n`)
  const write =
    kind === 'json'
      ? (id: string, status: string): void => void stderr.write(`${JSON.stringify({ id, status })}\n`)
      : (id: string, status: string): void => void stderr.write(` ${id}  ${status}\n`)
  return {
    warn,
    tell(what, news) {
      if (told.get(what) === news) return
      told.set(what, news)
      if (kind !== 'quiet') write(what, news)
    },
  }
}
