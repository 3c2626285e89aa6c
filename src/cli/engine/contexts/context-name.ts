import { invalidInput } from '../../../core/errors.ts'

/** The name of what is used where no context is. */
export const DEFAULT_CONTEXT = 'default'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/

/** Throws BAD_CONTEXT_NAME, in docker's words, for what can be no name of a context that is kept. */
export function checkContextName(name: string): void {
  if (name === DEFAULT_CONTEXT)
    throw invalidInput('BAD_CONTEXT_NAME', `"${DEFAULT_CONTEXT}" is a reserved context name`)
  if (NAME.test(name)) return
  const what = `context name ${JSON.stringify(name)} is invalid, names are validated against regexp "${NAME.source}"`
  throw invalidInput('BAD_CONTEXT_NAME', what)
}
