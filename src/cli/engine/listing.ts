import { renderRows } from '../output/format.ts'
import type { EngineCommand } from './engine-api.ts'

/** What a row of a listing holds, by docker's field names; functions are called by templates with their arguments. */
export type Row = Readonly<Record<string, unknown>>

export interface Listing {
  /** Docker's titles of the fields. */
  readonly titles: Readonly<Record<string, string>>
  /** Fields of the table without `--format`. */
  readonly fields: readonly string[]
  /** What `-q` prints. */
  readonly id: string
  /** What `--format raw` prints of a row, as a template, and what it prints with `-q`. */
  readonly raw?: { readonly row: string; readonly id: string }
}

/** Prints rows as `--format` and `-q` want them: the same for every listing of docker's. */
export function printListing(
  { options, context }: Pick<EngineCommand, 'options' | 'context'>,
  rows: readonly Row[],
  listing: Listing,
): void {
  const format = options.text('format') ?? ''
  const field = (name: string): string => `{{.${name}}}`
  if (options.flag('quiet') && (format === '' || format === 'table')) {
    context.stdout.write(renderRows(rows, field(listing.id)))
    return
  }
  if (format === 'json' || format === '{{json .}}') {
    context.stdout.write(rows.map(row => `${sortedJson(row)}\n`).join(''))
    return
  }
  if (format === 'raw' && listing.raw !== undefined) {
    context.stdout.write(renderRows(rows, options.flag('quiet') ? listing.raw.id : listing.raw.row))
    return
  }
  const table = `table ${listing.fields.map(field).join('\t')}`
  const template = format === '' || format === 'table' ? table : format
  context.stdout.write(renderRows(rows, template, listing.titles))
}

/** What a row says, without its functions, its fields in order. */
export function inOrder(row: Row): Row {
  const entries = Object.entries(row).filter(([, value]) => typeof value !== 'function')
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** As Go writes a map: fields in order, `<`, `>` and `&` escaped. */
export function sortedJson(row: Row): string {
  return plainJson(inOrder(row))
}

/** JSON as Go writes it: `<`, `>` and `&` escaped. */
export function plainJson(value: object): string {
  const escape = (sign: string): string => `\\u00${sign.charCodeAt(0).toString(16)}`
  return JSON.stringify(value).replaceAll(/[<>&]/g, escape)
}
