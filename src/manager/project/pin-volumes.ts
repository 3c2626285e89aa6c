import { conflict } from '../../core/errors.ts'
import { joined, writePin } from '../loop/transactions.ts'
import type { ApplyPorts } from './apply.ts'

/** Somebody else may have changed a record meanwhile: so often we look again. */
const TRIES = 5

/**
 * Ties volumes that nothing has used yet to the node of a container that was made by itself, as the first task that uses them does:
 * whatever uses them later goes where its data is. Throws 409 `VOLUME_ELSEWHERE` if one is tied to another node, 409 `BUSY`.
 */
export async function pinVolumes(
  names: readonly string[],
  node: string,
  { snapshot, write }: Pick<ApplyPorts, 'snapshot' | 'write'>,
): Promise<void> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const volumes = names.flatMap(name => snapshot().volumes.get(name) ?? [])
    const other = volumes.find(({ value }) => value.node !== undefined && value.node !== node)
    if (other !== undefined) {
      throw conflict('VOLUME_ELSEWHERE', `Volume ${other.value.name} is on node ${other.value.node}, not on ${node}`)
    }
    const free = volumes.filter(({ value }) => value.node === undefined)
    if (free.length === 0 || (await write(joined(...free.map(volume => writePin({ volume, node })))))) return
  }
  throw conflict('BUSY', `Cannot tie ${names.join(', ')} to node ${node}: others change them all the time; try again`)
}
