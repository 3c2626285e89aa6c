import type { HeldContainer } from './held-container.ts'

/** Containers that stand next to each other. What is made of them stays right as long as the version is the same. */
export interface ContainerBlock {
  readonly containers: readonly HeldContainer[]
  readonly version: number
}

interface Block {
  readonly containers: HeldContainer[]
  version: number
}

/** A change moves no more than this many, and has no more than this many written anew. */
const BLOCK_MAX = 512

/**
 * Containers in the order in which they are shown, the newest first. Kept in order, since a large cluster is never done changing, and in
 * blocks, so that a change costs the same however many there are.
 */
export class SortedContainers {
  readonly #blocks: Block[] = []

  /** None of them is empty. Valid until the next change. */
  get blocks(): readonly ContainerBlock[] {
    return this.#blocks
  }

  add(container: HeldContainer): void {
    const index = Math.max(0, this.#blockOf(container))
    const block = this.#blocks[index] ?? this.#firstBlock()
    block.containers.splice(place(block.containers, container), 0, container)
    block.version++
    if (block.containers.length <= BLOCK_MAX) return
    const half = block.containers.splice(BLOCK_MAX / 2)
    this.#blocks.splice(index + 1, 0, { containers: half, version: 0 })
  }

  remove(container: HeldContainer): void {
    const index = this.#indexOf(container)
    const block = this.#blocks[index]
    if (block === undefined) return
    block.containers.splice(block.containers.indexOf(container), 1)
    block.version++
    this.#join(index)
  }

  /** Puts one in the place of another; most changes leave the order as it is. */
  replace(before: HeldContainer, now: HeldContainer): void {
    const block = this.#blocks[this.#blockOf(before)]
    const index = block === undefined ? -1 : place(block.containers, before)
    if (block?.containers[index] === before && order(before, now) === 0) {
      block.containers[index] = now
      block.version++
      return
    }
    this.remove(before)
    this.add(now)
  }

  #firstBlock(): Block {
    const block: Block = { containers: [], version: 0 }
    this.#blocks.push(block)
    return block
  }

  /** An empty block goes, and a small one takes in the next, so that there are never many. */
  #join(index: number): void {
    const block = this.#blocks[index]
    const next = this.#blocks[index + 1]
    if (block?.containers.length === 0) this.#blocks.splice(index, 1)
    else if (block !== undefined && next !== undefined && isSmall(block, next)) {
      block.containers.push(...next.containers)
      block.version++
      this.#blocks.splice(index + 1, 1)
    }
  }

  /** The last block that does not begin behind it; -1: all do. */
  #blockOf(container: HeldContainer): number {
    return (
      countWhile(this.#blocks, ({ containers: [first] }) => first !== undefined && order(first, container) <= 0) - 1
    )
  }

  /** Of the block that has it. */
  #indexOf(container: HeldContainer): number {
    const index = this.#blockOf(container)
    const { containers = [] } = this.#blocks[index] ?? {}
    if (containers[place(containers, container)] === container) return index
    // Wherever it is, it must not be shown for ever.
    return this.#blocks.findIndex(block => block.containers.includes(container))
  }
}

function isSmall(block: Block, next: Block): boolean {
  return block.containers.length + next.containers.length <= BLOCK_MAX / 2
}

/** Where it is, or would be. */
function place(containers: readonly HeldContainer[], container: HeldContainer): number {
  return countWhile(containers, other => order(other, container) < 0)
}

/** How many of the first have it, where none behind one that has it not does. */
function countWhile<T>(items: readonly T[], has: (item: T) => boolean): number {
  let from = 0
  let to = items.length
  while (from < to) {
    const middle = (from + to) >> 1
    const item = items[middle]
    if (item !== undefined && has(item)) from = middle + 1
    else to = middle
  }
  return from
}

function order(a: HeldContainer, b: HeldContainer): number {
  return b.createdMs - a.createdMs || compare(a.id, b.id) || compare(a.node, b.node)
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
