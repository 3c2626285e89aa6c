import { invalidInput } from '../../core/errors.ts'
import type { Filters } from '../../docker-api/index.ts'

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

/** As a parameter of a request; undefined if there are none. */
export function filterQuery(filters: Filters): string | undefined {
  return Object.keys(filters).length === 0 ? undefined : JSON.stringify(filters)
}
