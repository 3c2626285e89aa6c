import { ellipsis } from '../shorten.ts'

/** A part of something that is told of, such as a replica of a service. */
export interface ProgressPart {
  readonly name: string
  readonly news: string
}

/** Something that is told of. */
export interface Branch {
  readonly news: string
  readonly startedMs: number
  /** Absent while it goes on. */
  readonly endedMs?: number
  readonly parts: readonly ProgressPart[]
}

export interface TreeLook {
  readonly columns: number
  readonly rows: number
  readonly nowMs: number
  /** Which of the pictures of something that goes on. */
  readonly frame: number
  readonly isColoured: boolean
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const COLOURS = { working: '36', done: '32', failed: '31', faint: '2' }
/** Rows that are left for what was typed, and for the line that the cursor stands in. */
const ROWS_SPARED = 2
/** Columns before news, at most: long names must leave room for them. */
const NAME_SHARE = 0.5

/** Whether news says that something goes on: `Starting 1/3`, `Waits for service db …`, `Recreate`; not what is `Running`. */
export function isWorking(news: string): boolean {
  return /^(?!Running\b)(?:\p{L}+ing|Waits|Recreate)\b/u.test(news)
}

/** The lines of a tree: how much is done, then each thing with its parts. No more than the screen holds. Pure. */
export function treeLines(branches: ReadonlyMap<string, Branch>, look: TreeLook): readonly string[] {
  const all = [...branches]
  const done = all.filter(([, { endedMs, news }]) => endedMs !== undefined && !hasFailed(news))
  const head = `[+] ${done.length}/${all.length}`
  const room = Math.max(1, look.rows - ROWS_SPARED - 1)
  const shown = all.length <= room ? all : fitting(all, room - 1)
  const width = Math.min(Math.max(...shown.map(([name]) => plain(name).length)), Math.floor(look.columns * NAME_SHARE))
  const lines = shown.map(([name, branch]) => branchLine(name, branch, { ...look, width }))
  const hidden = all.length - shown.length
  const rest = hidden === 0 ? [] : [faint(` … and ${hidden} more`, look)]
  return [head, ...withParts(shown, lines, { ...look, room: room - rest.length }), ...rest]
}

/** What goes on comes first when there is no room for all. */
function fitting(all: readonly (readonly [string, Branch])[], room: number): readonly (readonly [string, Branch])[] {
  const going = all.filter(([, { endedMs }]) => endedMs === undefined)
  const over = all.filter(([, { endedMs }]) => endedMs !== undefined)
  const kept = new Set([...going, ...over.toReversed()].slice(0, room))
  return all.filter(entry => kept.has(entry))
}

/** The lines with those of the parts below, as far as there is room for all parts of a thing. */
function withParts(
  shown: readonly (readonly [string, Branch])[],
  lines: readonly string[],
  look: TreeLook & { readonly room: number },
): readonly string[] {
  let left = look.room - lines.length
  return lines.flatMap((line, index) => {
    const parts = shown[index]?.[1].parts ?? []
    if (parts.length === 0 || parts.length > left) return [line]
    left -= parts.length
    return [line, ...parts.map((part, at) => partLine(part, at === parts.length - 1, look))]
  })
}

function branchLine(
  name: string,
  { news, startedMs, endedMs }: Branch,
  look: TreeLook & { readonly width: number },
): string {
  const seconds = `${(((endedMs ?? look.nowMs) - startedMs) / 1_000).toFixed(1)}s`
  const [mark, colour] = markOf(news, look.frame)
  const start = `${ellipsis(plain(name), look.width).padEnd(look.width)}  `
  const room = look.columns - start.length - seconds.length - 5
  const text = ellipsis(plain(news), Math.max(1, room))
  return ` ${coloured(mark, colour, look)} ${start}${coloured(text.padEnd(Math.max(1, room)), colour, look)} ${seconds}`
}

function partLine({ name, news }: ProgressPart, isLast: boolean, look: TreeLook): string {
  return faint(ellipsis(`   ${isLast ? '└' : '├'} ${plain(name)}  ${plain(news)}`, look.columns - 1), look)
}

function hasFailed(news: string): boolean {
  return /^(?:Failed|Interrupted|Lost)\b/.test(news)
}

function markOf(news: string, frame: number): readonly [mark: string, colour: string] {
  if (hasFailed(news)) return ['✘', COLOURS.failed]
  if (isWorking(news)) return [FRAMES[frame % FRAMES.length] ?? '', COLOURS.working]
  return ['✔', COLOURS.done]
}

function faint(text: string, look: TreeLook): string {
  return coloured(text, COLOURS.faint, look)
}

function coloured(text: string, code: string, { isColoured }: TreeLook): string {
  return isColoured ? `\u001b[${code}m${text}\u001b[0m` : text
}

/** Names and reasons come from elsewhere: one line, and nothing that a terminal would obey. */
function plain(text: string): string {
  return text.replace(/\n[\s\S]*/u, '').replace(/\p{Cc}/gu, '?')
}
