import { failed, invalidInput } from '../../../core/errors.ts'

/** A template that cannot be read, in docker's words. */
export function badTemplate(why: string): Error {
  return invalidInput('BAD_TEMPLATE', `template parsing error: template: :1: ${why}`)
}

/** A place in a template: the offset in its text, and what stands there. */
export interface Place {
  readonly at: number
  readonly text: string
}

const SHOWN_MAX = 20

/** A template that cannot be filled in with what there is. */
export function cannotFill(source: string, { at, text }: Place, why: string): Error {
  const before = source.slice(0, at)
  const line = before.split('\n').length
  const column = at - (before.lastIndexOf('\n') + 1)
  const shown = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text
  const where = `:${line}:${column}: executing "" at <${shown}>`
  return failed('TEMPLATE_FAILED', `template parsing error: template: ${where}: ${why}`)
}
