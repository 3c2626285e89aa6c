import type { ContainerInspect } from '../../../docker-api/index.ts'
import { sizesOf } from '../files/index.ts'
import type { Room } from '../room.ts'
import { inspectView } from './container-views.ts'

/** `GET /containers/{id}/json`; measuring its files takes time, so they are only if asked for. */
export async function inspectContainer(
  room: Room,
  reference: string,
  { size = false }: { readonly size?: boolean } = {},
): Promise<ContainerInspect> {
  const record = room.table.get(reference)
  const sizes = size ? await sizesOf(room, record) : {}
  return { ...inspectView(room, record), ...sizes }
}
