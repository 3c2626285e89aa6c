import type { CommandContext } from '../../command.ts'
import { type Branch, isWorking, type ProgressPart, treeLines } from './tree-lines.ts'

/** How often what nobody has news of is drawn, for its seconds to go on. */
const DRAW_MS = 100

const ESCAPE = '\u001b['
/** What is too wide is cut by the terminal, whose idea of how wide a letter is may not be ours. */
const [NO_WRAP, WRAP] = [`${ESCAPE}?7l`, `${ESCAPE}?7h`]
const [CLEAR_LINE, CLEAR_BELOW] = [`${ESCAPE}2K`, `${ESCAPE}J`]

/** A tree at the end of what stands on a terminal, drawn anew where it stands whenever there is news. */
export class LiveTree {
  readonly #context: Pick<CommandContext, 'stderr' | 'env' | 'clock'>
  readonly #branches = new Map<string, Branch>()
  /** Lines that stand on the terminal. */
  #drawn = 0
  #drawnMs = Number.NEGATIVE_INFINITY
  #frame = 0
  /** How many ask something where it stands: it is not drawn meanwhile. */
  #pauses = 0

  constructor(context: Pick<CommandContext, 'stderr' | 'env' | 'clock'>) {
    this.#context = context
  }

  tell(what: string, news: string): void {
    const nowMs = this.#context.clock.monotonicMs()
    const known = this.#branches.get(what)
    const isNews = known?.news !== news
    const endedMs = isWorking(news) ? undefined : isNews ? nowMs : known.endedMs
    this.#branches.set(what, {
      news,
      // What is done and begins anew, as a service that is created and then started, goes on.
      startedMs: known?.startedMs ?? nowMs,
      parts: endedMs === undefined ? (known?.parts ?? []) : [],
      ...(endedMs === undefined ? {} : { endedMs }),
    })
    if (isNews || nowMs - this.#drawnMs >= DRAW_MS) this.#draw()
  }

  parts(what: string, parts: readonly ProgressPart[]): void {
    const known = this.#branches.get(what)
    if (known === undefined || known.endedMs !== undefined) return
    const isNews = JSON.stringify(known.parts) !== JSON.stringify(parts)
    this.#branches.set(what, { ...known, parts })
    if (isNews) this.#draw()
  }

  /** Has something else written where the tree stands, and the tree behind it. */
  above(write: () => void): void {
    this.#erase()
    write()
    this.#draw()
  }

  /** Makes room for others to write and to read what is typed, until `resume`. */
  pause(): void {
    this.#pauses++
    this.#erase()
  }

  resume(): void {
    this.#pauses--
    this.#draw()
  }

  #erase(): void {
    if (this.#drawn > 0) this.#context.stderr.write(`${ESCAPE}${this.#drawn}A\r${CLEAR_BELOW}`)
    this.#drawn = 0
  }

  #draw(): void {
    const { stderr, clock, env } = this.#context
    if (this.#branches.size === 0 || this.#pauses > 0) return
    this.#drawnMs = clock.monotonicMs()
    const lines = treeLines(this.#branches, {
      // A terminal that nobody has told its size says 0.
      columns: stderr.columns || 80,
      rows: stderr.rows || 24,
      nowMs: this.#drawnMs,
      frame: this.#frame++,
      isColoured: (env['NO_COLOR'] ?? '') === '',
    })
    const up = this.#drawn > 0 ? `${ESCAPE}${this.#drawn}A` : ''
    const text = lines.map(line => `\r${CLEAR_LINE}${line}\n`).join('')
    stderr.write(`${NO_WRAP}${up}${text}${CLEAR_BELOW}${WRAP}`)
    this.#drawn = lines.length
  }
}
