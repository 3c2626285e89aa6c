import type { Options } from '../../../command.ts'
import { badArgument } from '../../../usage.ts'

/** How a listing is wanted: `--json` is short for `--format json`. Throws BAD_FLAG where both are given and differ. */
export function formatOf(options: Pick<Options, 'flag' | 'text'>): string | undefined {
  const format = options.text('format')
  if (!options.flag('json')) return format
  if (format === undefined || format === 'json') return 'json'
  throw badArgument('-f, --format <template>', format, '--json wants all of it: leave one of the two out')
}
