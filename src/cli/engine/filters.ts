import { invalidInput } from '../../core/errors.ts'

/** Reads `--filter key=value` as often as it is given. Throws BAD_FLAG. */
export function readFilters(given: readonly string[]): Record<string, string[]> {
  const filters: Record<string, string[]> = {}
  for (const text of given) {
    const equals = text.indexOf('=')
    if (equals < 0) {
      throw invalidInput('BAD_FLAG', `invalid argument "${text}" for "-f, --filter" flag: invalid filter '${text}'`)
    }
    const key = text.slice(0, equals).trim().toLowerCase()
    filters[key] = [...(filters[key] ?? []), text.slice(equals + 1).trim()]
  }
  return filters
}
