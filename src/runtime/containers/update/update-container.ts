import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerUpdateRequest, HostConfig } from '../../../docker-api/index.ts'
import { checkHostConfig, resourceWarnings } from '../checks/index.ts'
import { beingRemoved } from '../container-errors.ts'
import { bundlePath } from '../engine-paths.ts'
import { isRunning } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { resourcesOf } from '../spec/resources.ts'
import { mergeUpdate } from './merge-update.ts'

/** Changes limits and the restart policy of a container: of one that runs in the kernel first, so that a refusal changes nothing. */
export async function updateContainer(
  room: Room,
  reference: string,
  update: ContainerUpdateRequest,
): Promise<{ readonly Warnings: readonly string[] }> {
  const { id } = room.table.get(reference)
  checkHostConfig(update, room.facts)
  await room.locks.run(id, async () => {
    const record = room.table.get(id)
    if (record.life.status === 'removing') throw beingRemoved(id)
    const host = mergeUpdate({ id, host: record.host, swap: room.facts.abilities.swap }, update)
    checkHostConfig(host, room.facts)
    if (isRunning(record)) await applyLimits(room, id, { before: record.host, host })
    await room.table.update(id, current => ({ ...current, host }))
    emitContainer(room, record, 'update')
  })
  return { Warnings: resourceWarnings(update, room.facts) }
}

async function applyLimits(
  room: Room,
  id: string,
  { before, host }: { readonly before: HostConfig; readonly host: HostConfig },
): Promise<void> {
  const { abilities } = room.facts
  const weight = abilities.blockIoWeight && (host.BlkioWeight ?? 0) > 0 ? { weight: host.BlkioWeight ?? 0 } : undefined
  const { devices: _, ...limits } = resourcesOf(host, abilities, { blockIO: weight })
  // The runtime takes what is left out for what shall stay.
  const pids = (before.PidsLimit ?? 0) > 0 && (host.PidsLimit ?? 0) <= 0 ? { pids: { limit: -1 } } : {}
  const path = join(bundlePath(room.paths, id), 'update.json')
  try {
    await writeFile(path, JSON.stringify({ ...limits, ...pids }), { mode: 0o600 })
    await room.runtime.update(id, path)
  } finally {
    await rm(path, { force: true })
  }
}
