/** One measured figure, with what it is compared to. */
export interface BenchRow {
  readonly name: string
  readonly value: number
  /** More of what ends in `/s` is better; of every other unit, less. */
  readonly unit: string
  /** The same work done by another program in the same run. */
  readonly peer?: { readonly name: string; readonly value: number }
  /** The budget in words: `<= 35 ms`. */
  readonly budget?: string
}

/** The value below which the given share of the samples lies (nearest rank). `samples` need not be sorted. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN
}

/** A table for a terminal: figure, budget, peer and the ratio between them. */
export function formatRows(rows: readonly BenchRow[]): string {
  const cells = rows.map(row => [
    row.name,
    `${round(row.value)} ${row.unit}`,
    row.budget ?? '',
    row.peer === undefined ? '' : `${row.peer.name}: ${round(row.peer.value)} ${row.unit}`,
    row.peer === undefined ? '' : `${round(ratio(row.unit, row.value, row.peer.value))}x`,
  ])
  const table = [['MEASURED', 'SHOAL', 'BUDGET', 'PEER', 'BETTER BY'], ...cells]
  const widths = [0, 1, 2, 3, 4].map(column => Math.max(...table.map(line => line[column]?.length ?? 0)))
  return table
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** How many times better than the peer; below 1: worse. */
function ratio(unit: string, ours: number, theirs: number): number {
  return unit.endsWith('/s') ? ours / theirs : theirs / ours
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(3)
}
