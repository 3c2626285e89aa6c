import { mapParallel } from '../../../core/parallel.ts'
import {
  type ContainerSummary,
  checkContainerFilters,
  type Filters,
  filtersImplyAll,
  listedDetails,
} from '../../../docker-api/index.ts'
import { sizesOf } from '../files/index.ts'
import type { Room } from '../room.ts'
import { inspectView, liveState, summaryView } from './container-views.ts'
import { passesFilters } from './list-filters.ts'

const MEASURED_AT_ONCE = 4

export interface ListOptions {
  readonly all?: boolean
  readonly filters?: Filters
  readonly limit?: number
  readonly size?: boolean
  readonly details?: boolean
}

/** Containers that pass the filters, newest first; only running ones unless asked for more. */
export async function listContainers(
  room: Room,
  { all = false, filters = {}, limit = 0, size = false, details = false }: ListOptions,
): Promise<ContainerSummary[]> {
  checkContainerFilters(filters)
  const imageIds = await imageIdsOf(room, filters['ancestor'] ?? [])
  const showAll = all || limit > 0 || filtersImplyAll(filters)
  const context = { imageIds, find: (reference: string) => room.table.get(reference) }
  const shown = room.table
    .all()
    .filter(({ life }) => life.status !== 'creating')
    .map(record => ({ record, state: liveState(room, record), summary: summaryView(room, record) }))
    .filter(listed => (showAll || listed.state.Running) && passesFilters(listed, filters, context))
    .sort((a, b) => b.record.createdMs - a.record.createdMs)
  const chosen = limit > 0 ? shown.slice(0, limit) : shown
  if (details) {
    return chosen.map(({ record, summary }) => ({ ...summary, Details: listedDetails(inspectView(room, record)) }))
  }
  if (!size) return chosen.map(({ summary }) => summary)
  return mapParallel(chosen, MEASURED_AT_ONCE, async ({ record, summary }) => {
    const { SizeRw, SizeRootFs } = await sizesOf(room, record)
    // As Docker: a size of nothing is left out.
    return { ...summary, ...(SizeRw === 0 ? {} : { SizeRw }), SizeRootFs }
  })
}

async function imageIdsOf({ roots }: Room, names: readonly string[]): Promise<Map<string, readonly string[]>> {
  const ids = new Map<string, readonly string[]>()
  for (const name of names) {
    // An image that is gone simply has no containers.
    const image = await roots.resolve(name).catch(() => undefined)
    if (image !== undefined) ids.set(name, [...roots.descendants(image.id)])
  }
  return ids
}
