/** A column: its title, and what a row shows in it. */
export interface Column<T> {
  readonly title: string
  readonly of: (row: T) => string
}

/** Lines of text in columns three blanks apart, as docker prints them; the last column is not padded. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const cells = [columns.map(column => column.title), ...rows.map(row => columns.map(column => column.of(row)))]
  const widths = columns.map((_, index) => Math.max(...cells.map(line => line[index]?.length ?? 0)))
  return cells
    .map(line =>
      line
        .map((cell, index) => cell.padEnd((widths[index] ?? 0) + 3))
        .join('')
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('')
}
