import { readFilters } from '../../../engine/filters.ts'
import { badArgument } from '../../../usage.ts'
import type { LsRow } from './ls-row.ts'

/** Values of one key are alternatives; all keys must hold. */
export interface LsFilter {
  /** Whether a machine is left out whatever it answers. */
  readonly leavesOut: (known: Pick<LsRow, 'name' | 'driver' | 'labels' | 'swarm'>) => boolean
  readonly passes: (row: LsRow) => boolean
  /** Whether machines must be asked. */
  readonly needsState: boolean
}

interface FilterKey {
  /** Whether a machine has the value, from what is known without asking it; absent: it must be asked. */
  readonly known?: (value: string, known: Pick<LsRow, 'name' | 'driver' | 'labels' | 'swarm'>) => boolean
  readonly asked?: (value: string, row: LsRow) => boolean
}

const KEYS: Readonly<Record<string, FilterKey>> = {
  driver: { known: (value, { driver }) => driver === value },
  label: { known: hasLabel },
  name: { known: (value, { name }) => patternOf(value).test(name) },
  state: { asked: (value, { state }) => state.toLowerCase() === value.toLowerCase() },
  swarm: { known: (value, { swarm }) => swarm.replace(/ \(master\)$/, '') === value },
}

/** Reads `--filter` of `machine ls`. Throws BAD_FLAG for a key that is not known, and for a pattern that is none. */
export function readLsFilters(given: readonly string[]): readonly LsFilter[] {
  return Object.entries(readFilters(given, '--filter')).map(([key, values]) => {
    const found = KEYS[key]
    if (found === undefined) {
      const known = Object.keys(KEYS).join(', ')
      throw badArgument('--filter', key, `there is no such filter: use ${known}`)
    }
    if (key === 'name') for (const value of values) patternOf(value)
    const { known, asked } = found
    return {
      leavesOut: facts => known !== undefined && !values.some(value => known(value, facts)),
      passes: row => asked === undefined || values.some(value => asked(value, row)),
      needsState: asked !== undefined,
    }
  })
}

/** `key=value`, or a key alone. */
function hasLabel(wanted: string, { labels }: Pick<LsRow, 'labels'>): boolean {
  const equals = wanted.indexOf('=')
  return equals < 0 ? wanted in labels : labels[wanted.slice(0, equals)] === wanted.slice(equals + 1)
}

/** The person's own pattern over their own names: what it may cost, they pay. */
function patternOf(source: string): RegExp {
  try {
    return new RegExp(source)
  } catch {
    throw badArgument('--filter', `name=${source}`, 'it is no regular expression')
  }
}
