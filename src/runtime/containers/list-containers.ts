import type { ContainerSummary, Filters } from '../../docker-api/index.ts'
import { liveState, summaryView } from './container-views.ts'
import { checkFilters, impliesAll, passesFilters } from './list-filters.ts'
import type { Room } from './room.ts'

export interface ListOptions {
  readonly all?: boolean
  readonly filters?: Filters
  readonly limit?: number
}

/** Containers that pass the filters, newest first; only running ones unless asked for more. */
export async function listContainers(
  room: Room,
  { all = false, filters = {}, limit = 0 }: ListOptions,
): Promise<ContainerSummary[]> {
  checkFilters(filters)
  const imageIds = await imageIdsOf(room, filters['ancestor'] ?? [])
  const showAll = all || limit > 0 || impliesAll(filters)
  const context = { imageIds, find: (reference: string) => room.table.get(reference) }
  const shown = room.table
    .all()
    .filter(({ life }) => life.status !== 'creating')
    .map(record => ({ record, state: liveState(room, record), summary: summaryView(room, record) }))
    .filter(listed => (showAll || listed.state.Running) && passesFilters(listed, filters, context))
    .sort((a, b) => b.record.createdMs - a.record.createdMs)
    .map(({ summary }) => summary)
  return limit > 0 ? shown.slice(0, limit) : shown
}

async function imageIdsOf({ roots }: Room, names: readonly string[]): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const name of names) {
    // An image that is gone simply has no containers.
    const image = await roots.resolve(name).catch(() => undefined)
    if (image !== undefined) ids.set(name, image.id)
  }
  return ids
}
