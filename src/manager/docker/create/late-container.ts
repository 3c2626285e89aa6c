import { type Clock, sleep } from '../../../core/clock.ts'
import { ShoalError } from '../../../core/errors.ts'
import { SWARM_ID_LABEL } from '../../../core/model/labels.ts'
import { wasNeverSent } from '../../../docker-api/index.ts'
import type { Inventory } from '../../inventory/index.ts'
import type { NodeEngine } from '../nodes.ts'

/** A node was asked to make a container and has not said what became of it: it may still make it. */
export class OutcomeUnknown extends Error {}

/** The error of a creation as it is, or {@link OutcomeUnknown} with it for a cause. */
export function creationFailure(error: unknown): unknown {
  const isAnswer = error instanceof ShoalError && (error.status < 500 || error.details['answered'] === true)
  return isAnswer || wasNeverSent(error) ? error : new OutcomeUnknown('The node has not answered', { cause: error })
}

/** Its room and its name are given to nobody else for this long: longer than a node that still works on it needs. */
const HELD_MS = 2 * 60_000
/** One that comes after this long stays. */
const AWAITED_MS = 60 * 60_000
const REMOVALS_MAX = 5
const RETRY_MS = 5_000

interface LateContainer {
  readonly node: NodeEngine
  /** Of the cluster: new for each creation, so that nothing else has it. */
  readonly swarmId: string
  /** Gives its room free. */
  readonly done: () => void
}

/** Waits for a container that nobody wants any more, and removes it as soon as its node tells of it. */
export function undoWhenLate(
  { node, swarmId, done }: LateContainer,
  { inventory, clock }: { readonly inventory: Inventory; readonly clock: Clock },
): void {
  const end = (): void => {
    stop()
    holding.cancel()
    waiting.cancel()
    done()
  }
  const undo = (id: string): void => {
    end()
    void removeUnwanted(node, id, { inventory, clock })
  }
  const holding = clock.setTimer(HELD_MS, done)
  const waiting = clock.setTimer(AWAITED_MS, end)
  const stop = inventory.onChange(change => {
    // A node that left makes nothing any more; should it come back, what it made has to go all the same.
    if (change.kind === 'node' && change.name === node.name && change.node === undefined) done()
    if (change.kind !== 'container' || change.node !== node.name) return
    if (change.now?.labels[SWARM_ID_LABEL] === swarmId) undo(change.now.id)
  })
  const there = inventory.find(swarmId).find(container => container.node === node.name)
  if (there !== undefined) undo(there.id)
}

/** Resolves when it is gone, or could not be removed for a while; never rejects. */
export async function removeUnwanted(
  { name, engine }: NodeEngine,
  id: string,
  { inventory, clock }: { readonly inventory: Inventory; readonly clock: Clock },
): Promise<void> {
  for (let attempt = 1; attempt <= REMOVALS_MAX; attempt++) {
    try {
      await engine.containers.remove(id, { force: true, volumes: true })
      break
    } catch (error) {
      if (error instanceof ShoalError && error.status === 404) break
      await sleep(clock, RETRY_MS * attempt)
    }
  }
  await inventory.refresh(name, id)
}
