/** A column: its title, and what a row shows in it. */
export interface Column<T> {
  readonly title: string
  readonly of: (row: T) => string
}

/** Docker's tables: columns at least this wide, blanks between them included. */
const WIDTH_MIN = 10
const GAP = 3

const widthOf = (text: string): number => Array.from(text).length

/** Lines of text in columns three blanks apart, as docker prints them; the last column is not padded. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  return renderCells([columns.map(column => column.title), ...rows.map(row => columns.map(column => column.of(row)))])
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
