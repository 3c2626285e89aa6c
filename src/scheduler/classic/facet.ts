import { valueMatcher } from '../constraint.ts'
import type { Matcher } from '../pattern.ts'

/** How often something is on each node. */
export type NodeCounts = ReadonlyMap<string, number>

interface Tracked {
  readonly matches: Matcher
  readonly counts: Map<string, number>
}

const NOWHERE: NodeCounts = new Map()
/** Values without signs that mean more than themselves, see valueMatcher. */
const PLAIN = /^[\w:\-\s]*$/
const TRACKED_MAX = 32

/**
 * One thing that containers or images can be told apart by, such as the value of a label: which nodes have which values.
 * Patterns that were asked for lately are kept up to date, so that asking again costs nothing whatever the cluster holds.
 */
export class Facet {
  readonly #values = new Map<string, Map<string, number>>()
  /** The one used last is the last. */
  readonly #tracked = new Map<string, Tracked>()

  add(value: string, node: string): void {
    this.#account(value, node, 1)
  }

  remove(value: string, node: string): void {
    this.#account(value, node, -1)
  }

  /** Nodes that have a value which an expression's value (a text, a glob or `/regex/`) means. */
  nodesOf(wanted: string): NodeCounts {
    if (PLAIN.test(wanted)) return this.#values.get(wanted) ?? NOWHERE
    const tracked = this.#tracked.get(wanted) ?? this.#track(wanted)
    this.#tracked.delete(wanted)
    this.#tracked.set(wanted, tracked)
    const [oldest] = this.#tracked.keys()
    if (this.#tracked.size > TRACKED_MAX && oldest !== undefined) this.#tracked.delete(oldest)
    return tracked.counts
  }

  #track(wanted: string): Tracked {
    const tracked: Tracked = { matches: valueMatcher(wanted, false), counts: new Map() }
    for (const [value, nodes] of this.#values) {
      if (!tracked.matches(value)) continue
      for (const [node, count] of nodes) bump(tracked.counts, node, count)
    }
    return tracked
  }

  #account(value: string, node: string, change: 1 | -1): void {
    const nodes = this.#values.get(value) ?? new Map<string, number>()
    bump(nodes, node, change)
    if (nodes.size === 0) this.#values.delete(value)
    else this.#values.set(value, nodes)
    for (const { matches, counts } of this.#tracked.values()) if (matches(value)) bump(counts, node, change)
  }
}

function bump(counts: Map<string, number>, node: string, change: number): void {
  const count = (counts.get(node) ?? 0) + change
  if (count === 0) counts.delete(node)
  else counts.set(node, count)
}
