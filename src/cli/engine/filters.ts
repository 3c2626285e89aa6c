import { badArgument } from '../usage.ts'

/** Reads `--filter key=value` as often as it is given. `flag` as the command has it. Throws BAD_ARGUMENT. */
export function readFilters(given: readonly string[], flag = '-f, --filter'): Record<string, string[]> {
  const filters: Record<string, string[]> = {}
  for (const text of given) {
    const equals = text.indexOf('=')
    if (equals < 0 && text !== '') throw badArgument(flag, text, 'bad format of filter (expected name=value)')
    if (text === '') continue
    const key = text.slice(0, equals).trim().toLowerCase()
    filters[key] = [...(filters[key] ?? []), text.slice(equals + 1).trim()]
  }
  return filters
}
