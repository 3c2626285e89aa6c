import { invalidInput } from '../../core/errors.ts'
import { type Column, renderTable } from './table.ts'

export interface ListingFormat<T> {
  readonly columns: readonly Column<T>[]
  /** What `--format json` and templates see of a row. */
  readonly record: (row: T) => Readonly<Record<string, unknown>>
  /** What `-q` prints of a row. */
  readonly id: (row: T) => string
}

/**
 * A listing as `--format` wants it: `table` (also nothing), `json` (one object a line, as docker), `table {{.A}}\t{{.B}}`, or a
 * template such as `{{.Name}}`.
 */
export function renderListing<T>(
  rows: readonly T[],
  listing: ListingFormat<T>,
  { format, quiet }: { readonly format?: string | undefined; readonly quiet?: boolean },
): string {
  if (quiet === true) return lines(rows.map(listing.id))
  if (format === undefined || format === '' || format === 'table') return renderTable(listing.columns, rows)
  if (format === 'json') return lines(rows.map(row => JSON.stringify(listing.record(row))))
  const template = format.replaceAll('\\t', '\t').replaceAll('\\n', '\n')
  if (!template.startsWith('table ')) return lines(rows.map(row => renderTemplate(template, listing.record(row))))
  const fields = template.slice('table '.length).split('\t')
  const columns = fields.map(field => ({
    title: field.replace(/\{\{\s*\.?([\w.]*)[^}]*\}\}/g, (_all, name: string) => name.toUpperCase()),
    of: (row: T) => renderTemplate(field, listing.record(row)),
  }))
  return renderTable(columns, rows)
}

/** Fills a Go-style template: `{{.Name}}`, `{{.A.B}}`, `{{json .}}`, `{{json .A}}`, `{{upper .A}}`, `{{lower .A}}`, `{{len .A}}`. */
export function renderTemplate(template: string, record: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{\{-?\s*(.*?)\s*-?\}\}/g, (_all, expression: string) => evaluate(expression, record))
}

const FUNCTIONS: Readonly<Record<string, (value: unknown) => string>> = {
  json: value => JSON.stringify(value ?? null),
  upper: value => asText(value).toUpperCase(),
  lower: value => asText(value).toLowerCase(),
  title: value => asText(value).replace(/^./, letter => letter.toUpperCase()),
  len: value =>
    String(Array.isArray(value) || typeof value === 'string' ? value.length : Object.keys(value ?? {}).length),
  println: value => `${asText(value)}\n`,
}

function evaluate(expression: string, record: Readonly<Record<string, unknown>>): string {
  const literal = /^"(.*)"$/.exec(expression)?.[1]
  if (literal !== undefined) return literal
  const [first = '', second] = expression.split(/\s+/)
  if (second === undefined && first.startsWith('.')) return asText(lookUp(first, record))
  const render = FUNCTIONS[first]
  if (render === undefined || second === undefined || !second.startsWith('.')) {
    throw invalidInput(
      'BAD_FLAG',
      `Cannot read template {{${expression}}}: expected {{.Field}} or one of ${Object.keys(FUNCTIONS).join(', ')} before it`,
    )
  }
  return render(lookUp(second, record))
}

function lookUp(path: string, record: Readonly<Record<string, unknown>>): unknown {
  let value: unknown = record
  for (const name of path.split('.').filter(part => part !== '')) {
    if (typeof value !== 'object' || value === null || !(name in value)) {
      throw invalidInput(
        'BAD_FLAG',
        `Cannot find field "${name}" of {{${path}}}: known are ${Object.keys(record).join(', ')}`,
      )
    }
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function lines(texts: readonly string[]): string {
  return texts.map(text => `${text}\n`).join('')
}
