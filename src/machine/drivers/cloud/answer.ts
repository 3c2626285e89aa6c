import { failed } from '../../../core/errors.ts'

/** Fields of an answer that is not trusted to have them. */
export type Fields = Readonly<Record<string, unknown>>

/** A part of an answer that must be an object; `{}` for what is none, so that what is read of it is told missing by its name. */
export function fieldsOf(value: unknown, ...path: readonly string[]): Fields {
  let at: unknown = value
  for (const key of path) at = isFields(at) ? at[key] : undefined
  return isFields(at) ? at : {}
}

/** Rows of a list; none where there is no list. */
export function rowsOf(value: unknown, key: string): readonly Fields[] {
  const list = fieldsOf(value)[key]
  return Array.isArray(list) ? list.filter(isFields) : []
}

/** An id, as text. Throws BAD_ANSWER. */
export function idOf(fields: Fields): string {
  const id = fields['id']
  if (typeof id === 'number' || (typeof id === 'string' && id !== '')) return String(id)
  throw failed('BAD_ANSWER', 'The cloud answers without an id: its interface is not the one we know')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A text of an answer; empty: there is none. */
export function textIn(fields: Fields, key: string): string {
  const value = fields[key]
  return typeof value === 'string' ? value : ''
}
