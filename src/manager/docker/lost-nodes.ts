import type { Clock, Timer } from '../../core/clock.ts'
import { type ShoalError, unavailable } from '../../core/errors.ts'
import type { Inventory } from '../inventory/index.ts'

/** A node that holds its lease and answers nothing for this long is waited for no longer, in milliseconds. */
const SILENT_MS_MAX = 60_000

type Tell = (error: ShoalError) => void

/**
 * Tells whoever waits for a node that it will not answer any more: a host that is cut off or frozen closes no connection, and what is
 * read from it would be waited for without end.
 */
export class LostNodes {
  readonly #inventory: Inventory
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<Tell>>()
  readonly #silent = new Map<string, Timer>()

  constructor({ inventory, clock }: { readonly inventory: Inventory; readonly clock: Clock }) {
    this.#inventory = inventory
    this.#clock = clock
    inventory.onChange(change => {
      if (change.kind === 'node' && this.#waiting.has(change.name)) this.#look(change.name)
    })
  }

  /** Calls `tell` with the error when the node is lost, at once if it is already; never after the returned function was called. */
  watch(node: string, tell: Tell): () => void {
    const waiting = this.#waiting.get(node) ?? new Set()
    this.#waiting.set(node, waiting.add(tell))
    this.#look(node)
    return () => {
      waiting.delete(tell)
      // After a loss there are others who wait for the same node anew.
      if (waiting.size > 0 || this.#waiting.get(node) !== waiting) return
      this.#waiting.delete(node)
      this.#forgive(node)
    }
  }

  #look(name: string): void {
    const node = this.#inventory.node(name)
    if (node === undefined || node.condition === 'down') this.#giveUp(name, node?.error ?? 'It has left the cluster')
    else if (node.condition !== 'broken' || !node.isSilent) this.#forgive(name)
    else if (!this.#silent.has(name)) {
      const { error = 'It does not answer' } = node
      this.#silent.set(
        name,
        this.#clock.setTimer(SILENT_MS_MAX, () => this.#giveUp(name, error)),
      )
    }
  }

  #forgive(name: string): void {
    this.#silent.get(name)?.cancel()
    this.#silent.delete(name)
  }

  #giveUp(name: string, why: string): void {
    this.#forgive(name)
    const waiting = [...(this.#waiting.get(name) ?? [])]
    this.#waiting.delete(name)
    for (const tell of waiting) tell(unavailable('NODE_LOST', `Node ${name} is lost: ${why}`))
  }
}

interface Waiting {
  /** Of whoever waits. */
  readonly signal: AbortSignal
  readonly lost: LostNodes | undefined
}

/** Has nodes do something for as long as they are there; rejects with NODE_LOST when one of them is lost, even if `work` does not notice. */
export async function whileThere<T>(
  nodes: readonly { readonly name: string }[],
  { signal, lost }: Waiting,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (lost === undefined) return work(signal)
  const end = new AbortController()
  const gone = Promise.withResolvers<never>()
  const stops = nodes.map(({ name }) =>
    lost.watch(name, error => {
      end.abort(error)
      gone.reject(error)
    }),
  )
  try {
    return await Promise.race([gone.promise, work(AbortSignal.any([signal, end.signal]))])
  } finally {
    for (const stop of stops) stop()
    gone.promise.catch(() => {})
  }
}
