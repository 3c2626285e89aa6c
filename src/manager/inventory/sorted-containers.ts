import type { HeldContainer } from './held-container.ts'

/**
 * Containers in the order in which they are shown, the newest first. Kept in order, since a large cluster is never done changing, but the
 * other way round: what is new stands at the end, where it moves nothing.
 */
export class SortedContainers {
  readonly #sorted: HeldContainer[] = []
  #shown: readonly HeldContainer[] | undefined

  get all(): readonly HeldContainer[] {
    this.#shown ??= this.#sorted.toReversed()
    return this.#shown
  }

  add(container: HeldContainer): void {
    this.#shown = undefined
    this.#sorted.splice(this.#place(container), 0, container)
  }

  remove(container: HeldContainer): void {
    this.#shown = undefined
    const place = this.#place(container)
    const found = this.#sorted[place] === container ? place : this.#sorted.indexOf(container)
    // Wherever it is, it must not be shown for ever.
    if (found >= 0) this.#sorted.splice(found, 1)
  }

  /** Puts one in the place of another; most changes leave the order as it is. */
  replace(before: HeldContainer, now: HeldContainer): void {
    this.#shown = undefined
    const place = this.#place(before)
    const older = this.#sorted[place - 1]
    const newer = this.#sorted[place + 1]
    const isInOrder =
      this.#sorted[place] === before &&
      (newer === undefined || order(newer, now) < 0) &&
      (older === undefined || order(now, older) < 0)
    if (isInOrder) {
      this.#sorted[place] = now
      return
    }
    this.remove(before)
    this.add(now)
  }

  /** Where it is, or would be. */
  #place(container: HeldContainer): number {
    let from = 0
    let to = this.#sorted.length
    while (from < to) {
      const middle = (from + to) >> 1
      const other = this.#sorted[middle]
      if (other !== undefined && order(container, other) < 0) from = middle + 1
      else to = middle
    }
    return from
  }
}

function order(a: HeldContainer, b: HeldContainer): number {
  return b.createdMs - a.createdMs || compare(a.id, b.id) || compare(a.node, b.node)
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
