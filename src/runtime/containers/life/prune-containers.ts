import { errorCode, invalidInput } from '../../../core/errors.ts'
import { labelMatches } from '../../../core/label-matches.ts'
import { parseMoment } from '../../../core/moment.ts'
import type { Filters, PruneReport } from '../../../docker-api/index.ts'
import { writtenBytes } from '../files/index.ts'
import { type ContainerRecord, isRunning } from '../record.ts'
import type { Room } from '../room.ts'
import { removeContainer } from './remove-container.ts'

const KEYS = ['label', 'label!', 'until']

/** Removes the containers that do not run and that pass the filters. Throws 400 for filters docker does not know. */
export async function pruneContainers(room: Room, filters: Filters): Promise<PruneReport> {
  const passes = pruneFilter(filters, room.clock.nowMs())
  const deleted: string[] = []
  let bytes = 0
  for (const record of room.table.all().filter(candidate => isIdle(candidate) && passes(candidate))) {
    const written = await writtenBytes(room, record.id)
    if (!(await removeIdle(room, record.id))) continue
    deleted.push(record.id)
    bytes += written
  }
  room.events.emit('container', 'prune', { ID: '', Attributes: { reclaimed: String(bytes) } })
  return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: bytes }
}

function isIdle(record: ContainerRecord): boolean {
  return record.life.status === 'idle'
}

/** False if somebody started or removed it meanwhile. */
async function removeIdle(room: Room, id: string): Promise<boolean> {
  try {
    const record = room.table.find(id)
    if (record === undefined || isRunning(record)) return false
    await removeContainer(room, id, {})
    return true
  } catch (error) {
    if (['NO_SUCH_CONTAINER', 'CONTAINER_RUNNING', 'CONTAINER_REMOVING'].includes(errorCode(error) ?? '')) return false
    throw error
  }
}

export function pruneFilter(filters: Filters, nowMs: number): (record: ContainerRecord) => boolean {
  const unknown = Object.keys(filters).find(key => !KEYS.includes(key))
  if (unknown !== undefined) throw invalidInput('BAD_FILTER', `Invalid filter '${unknown}'`)
  const { label = [], until = [] } = filters
  if (until.length > 1) throw invalidInput('BAD_FILTER', 'more than one until filter specified')
  const limits = until.map(text => parseMoment(text, nowMs))
  return ({ config, createdMs }) =>
    label.every(value => labelMatches(config.Labels ?? {}, value)) &&
    !(filters['label!'] ?? []).some(value => labelMatches(config.Labels ?? {}, value)) &&
    limits.every(limit => createdMs < limit)
}
