import { compileTemplate } from './go-template/render.ts'
import { type Column, renderCells, renderTable } from './table.ts'

export interface ListingFormat<T> {
  readonly columns: readonly Column<T>[]
  /** What `--format json` and templates see of a row. */
  readonly record: (row: T) => Readonly<Record<string, unknown>>
  /** What `-q` prints of a row. */
  readonly id: (row: T) => string
  /** Titles of fields in `--format 'table {{.Field}}'`; others are the field's name in capitals. */
  readonly titles?: Readonly<Record<string, string>>
}

export interface ListingOptions {
  readonly format?: string | undefined
  readonly quiet?: boolean
  /** Columns of the terminal; absent: lines may be as long as they are. */
  readonly width?: number | undefined
}

/**
 * A listing as `--format` wants it: `table` (also nothing), `json` (one object a line, as docker), `table {{.A}}\t{{.B}}`, or a
 * template such as `{{.Name}}`.
 */
export function renderListing<T>(
  rows: readonly T[],
  listing: ListingFormat<T>,
  { format, quiet, width }: ListingOptions,
): string {
  if (quiet === true) return lines(rows.map(listing.id))
  if (format === undefined || format === '' || format === 'table') return renderTable(listing.columns, rows, width)
  if (format === 'json') return lines(rows.map(row => JSON.stringify(listing.record(row))))
  return renderRows(rows.map(listing.record), format, listing.titles)
}

/** Rows through a template; `table …` puts titles above and aligns what tabs part. */
export function renderRows(
  rows: readonly Readonly<Record<string, unknown>>[],
  format: string,
  titles: Readonly<Record<string, string>> = {},
): string {
  const isTable = format.startsWith('table ')
  const source = unescape(isTable ? format.slice('table '.length).trimStart() : format)
  const template = compileTemplate(source)
  if (!isTable) return lines(rows.map(template))
  const titled = compileTemplate(source, { header: true })(new Proxy({}, titleOf(titles)))
  return renderCells([titled, ...rows.map(template)].map(line => line.split('\t')))
}

/** Every field of a header row is its own title, and so is what is inside of it. */
function titleOf(titles: Readonly<Record<string, string>>): ProxyHandler<object> {
  return {
    has: () => true,
    get: (_target, name) => titles[String(name)] ?? String(name).toUpperCase(),
  }
}

function unescape(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n')
}

function lines(texts: readonly string[]): string {
  return texts.map(text => `${text}\n`).join('')
}
