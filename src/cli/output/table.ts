/** A column: its title, and what a row shows in it. */
export interface Column<T> {
  readonly title: string
  readonly of: (row: T) => string
  /** On a terminal that is too narrow it is folded into several lines. */
  readonly mayShrink?: true
}

/** Docker's tables: columns at least this wide, blanks between them included. */
const WIDTH_MIN = 10
const GAP = 3

const widthOf = (text: string): number => Array.from(text).length

/** A column is not made narrower than this: words could not be read any more. */
const SHRUNK_MIN = 24

/**
 * Lines of text in columns three blanks apart, as docker prints them; the last column is not padded. Where the terminal's width
 * is given and too small, columns that may are folded.
 */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], width?: number): string {
  const lines = [columns.map(column => column.title), ...rows.map(row => columns.map(column => column.of(row)))]
  return renderCells(width === undefined ? lines : lines.flatMap(foldTo(width, columns, lines)))
}

/** How a line is folded into several so that all of them fit: the columns that may shrink give way, the widest first. */
function foldTo<T>(
  width: number,
  columns: readonly Column<T>[],
  lines: readonly (readonly string[])[],
): (line: readonly string[]) => readonly (readonly string[])[] {
  const widths = columns.map((_, index) => Math.max(...lines.map(line => widthOf(line[index] ?? ''))))
  const padded = (each: number, index: number): number =>
    index === widths.length - 1 ? each : Math.max(WIDTH_MIN, each + GAP)
  const total = (): number => widths.map(padded).reduce((sum, each) => sum + each, 0)
  const shrinkable = columns.flatMap(({ mayShrink }, index) => (mayShrink === true ? [index] : []))
  for (const index of shrinkable.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))) {
    const own = widths[index] ?? 0
    widths[index] = Math.min(own, Math.max(SHRUNK_MIN, own - (total() - width)))
  }
  return line => {
    const cells = line.map((cell, index) => (columns[index]?.mayShrink ? foldText(cell, widths[index] ?? 0) : [cell]))
    const height = Math.max(...cells.map(parts => parts.length))
    const below = Array.from({ length: height - 1 }, (_, row) => cells.map(parts => parts[row + 1] ?? ''))
    return [cells.map(parts => parts[0] ?? ''), ...below.map(row => row.slice(0, 1 + row.findLastIndex(isFilled)))]
  }
}

function isFilled(cell: string): boolean {
  return cell !== ''
}

/** Breaks a text between words, and words that are longer than a line. */
function foldText(text: string, width: number): readonly string[] {
  const folded: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (widthOf(longer) <= width) {
      line = longer
      continue
    }
    if (line !== '') folded.push(line)
    const signs = Array.from(word)
    while (signs.length > width) folded.push(signs.splice(0, width).join(''))
    line = signs.join('')
  }
  return [...folded, line]
}

export interface TableShape {
  readonly minWidth?: number
  readonly gap?: number
}

/** The same of cells that are there already. */
export function renderCells(
  lines: readonly (readonly string[])[],
  { minWidth = WIDTH_MIN, gap = GAP }: TableShape = {},
): string {
  const count = Math.max(0, ...lines.map(line => line.length))
  const widths = Array.from({ length: count }, (_, index) =>
    Math.max(minWidth, ...lines.map(line => widthOf(line[index] ?? '') + gap)),
  )
  const pad = (cell: string, width: number): string => cell + ' '.repeat(Math.max(0, width - widthOf(cell)))
  return lines
    .map(line => line.map((cell, index) => (index === line.length - 1 ? cell : pad(cell, widths[index] ?? 0))).join(''))
    .map(line => `${line}\n`)
    .join('')
}
