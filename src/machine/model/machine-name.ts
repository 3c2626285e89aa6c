import { invalidInput } from '../../core/errors.ts'

/** What docker-machine takes. A name is also a folder of the store and a host name: it begins with a letter or digit. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9.-]*$/
/** Longest label of a host name (RFC 1123). */
const LABEL_CHARS_MAX = 63
/** Longest file name of common file systems, less what the store appends. */
const NAME_CHARS_MAX = 200

/** Throws BAD_MACHINE_NAME for a name that no host may have. */
export function checkMachineName(name: string): void {
  if (!NAME.test(name) || name.length > NAME_CHARS_MAX) {
    const shown = JSON.stringify(name.slice(0, LABEL_CHARS_MAX))
    throw invalidInput(
      'BAD_MACHINE_NAME',
      `Invalid hostname specified: ${shown}. Allowed hostname chars are: 0-9a-zA-Z . -`,
    )
  }
  const long = name.split('.').find(label => label.length > LABEL_CHARS_MAX)
  if (long !== undefined) {
    throw invalidInput('BAD_MACHINE_NAME', `The part "${long.slice(0, 20)}…" of the name has more than 63 characters`)
  }
}

/** `n2` before `n10`; capitals before small letters where names differ in nothing else. */
export function compareNames(a: string, b: string): number {
  return NATURAL.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)
}

const NATURAL = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
