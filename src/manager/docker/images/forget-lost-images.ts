import { type Clock, sleep } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { BuiltImageRecord } from '../../../core/model/built-image.ts'
import type { CachedEntry } from '../../../discovery/index.ts'
import type { Inventory } from '../../inventory/index.ts'
import { unchanged } from '../../loop/transactions.ts'
import type { LeaderTerm } from '../../manager.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { BuiltImages } from './built-images.ts'

export interface LostImagesPorts {
  readonly built: BuiltImages
  readonly inventory: Inventory
  readonly snapshot: () => Snapshot
  readonly clock: Clock
  readonly log: Log
}

const LOOK_MS = 60_000
const FORGOTTEN_AT_ONCE = 100

/** Forgets names of built images that no node has any more, for as long as this manager leads. */
export async function forgetLostImages(
  { signal, write }: Pick<LeaderTerm, 'signal' | 'write'>,
  ports: LostImagesPorts,
) {
  const { built, inventory, snapshot, clock, log } = ports
  let suspects: readonly CachedEntry<BuiltImageRecord>[] = []
  while (!signal.aborted) {
    await sleep(clock, LOOK_MS, signal).catch(() => {})
    if (signal.aborted) return
    await inventory.imagesSettled()
    const lost = lostImages(built.entries(), snapshot(), inventory)
    // One that was built just now may not be listed yet: what is missing twice is gone.
    const isSuspect = ({ key, modRevision }: CachedEntry<BuiltImageRecord>): boolean =>
      suspects.some(other => other.key === key && other.modRevision === modRevision)
    const gone = lost.filter(isSuspect).slice(0, FORGOTTEN_AT_ONCE)
    suspects = lost
    if (gone.length === 0) continue
    try {
      await write({ compares: gone.map(unchanged), operations: gone.map(({ key }) => ({ delete: key })) })
    } catch (error) {
      log.warn({ error: errorMessage(error) }, 'cannot forget built images that nobody has; trying again')
    }
  }
}

/** Those that no node has. None while a node of the cluster does not tell which it has: it may be the one that has it. */
export function lostImages<T extends { readonly value: BuiltImageRecord }>(
  built: readonly T[],
  { nodes, members }: Pick<Snapshot, 'nodes' | 'members'>,
  inventory: Pick<Inventory, 'node'>,
): readonly T[] {
  const all = [...new Set([...nodes.keys(), ...members.keys()])].map(inventory.node)
  const present = new Set<string>()
  for (const node of all) {
    if (node?.condition !== 'live' || !node.imagesAreKnown) return []
    for (const { Id } of node.images) present.add(Id)
  }
  return built.filter(({ value }) => !present.has(value.id))
}
