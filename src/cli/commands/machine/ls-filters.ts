import { readFilters } from '../../engine/filters.ts'
import { badArgument } from '../../usage.ts'
import type { LsRow } from './ls.ts'

/** Values of one key are alternatives; all keys must hold. */
export interface LsFilter {
  /** Whether a machine is left out whatever it answers. */
  readonly leavesOut: (known: Pick<LsRow, 'name' | 'driver' | 'labels' | 'swarm'>) => boolean
  readonly passes: (row: LsRow) => boolean
  /** Whether machines must be asked. */
  readonly needsState: boolean
}
