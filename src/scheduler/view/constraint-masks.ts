import { errorMessage } from '../../core/errors.ts'
import { type Constraint, parseConstraint } from '../constraint.ts'
import type { SchedulableNode } from '../node.ts'
import type { NodeClasses } from './node-classes.ts'

/** How one constraint judges every node, by slot. */
export interface ConstraintMask {
  readonly constraint: Constraint
  readonly holds: Uint8Array
  /** Nodes on which it holds. */
  readonly count: number
}

interface Mask extends ConstraintMask {
  holds: Uint8Array
  count: number
  /** By class of nodes. */
  readonly judged: Map<number, boolean>
}

const MASKS_MAX = 256
/** Classes that came and went are forgotten with the rest once there are this many. */
const JUDGED_MAX = 4_096

type Nodes = readonly (SchedulableNode | undefined)[]

/**
 * The constraints that were asked for lately, each judged once for a class of nodes with equal labels, and anew for one
 * node only when that node's attributes change.
 */
export class ConstraintMasks {
  /** The one used last is the last. */
  readonly #masks = new Map<string, Mask>()
  readonly #classes: NodeClasses

  constructor(classes: NodeClasses) {
    this.#classes = classes
  }

  /** An expression that cannot be read holds nowhere. */
  of(expression: string, nodes: Nodes, size: number): ConstraintMask {
    const mask = this.#masks.get(expression) ?? this.#judgeAll(readable(expression), nodes, size)
    this.#masks.delete(expression)
    this.#masks.set(expression, mask)
    const [oldest] = this.#masks.keys()
    if (this.#masks.size > MASKS_MAX && oldest !== undefined) this.#masks.delete(oldest)
    return mask
  }

  /** Says what is in a slot now. */
  nodeChanged(slot: number, node: SchedulableNode | undefined): void {
    for (const mask of this.#masks.values()) {
      const holds = node !== undefined && this.#judge(mask, slot, node) ? 1 : 0
      mask.count += holds - (mask.holds[slot] ?? 0)
      mask.holds[slot] = holds
    }
  }

  grow(size: number): void {
    for (const mask of this.#masks.values()) {
      const larger = new Uint8Array(size)
      larger.set(mask.holds)
      mask.holds = larger
    }
  }

  #judgeAll(constraint: Constraint, nodes: Nodes, size: number): Mask {
    const mask: Mask = { constraint, holds: new Uint8Array(size), count: 0, judged: new Map() }
    nodes.forEach((node, slot) => {
      if (node === undefined || !this.#judge(mask, slot, node)) return
      mask.holds[slot] = 1
      mask.count++
    })
    return mask
  }

  #judge({ constraint, judged }: Mask, slot: number, node: SchedulableNode): boolean {
    if (constraint.isAboutOneNode) return constraint.holds(node)
    const ofClass = this.#classes.of(slot)
    const known = judged.get(ofClass)
    if (known !== undefined) return known
    if (judged.size >= JUDGED_MAX) judged.clear()
    const holds = constraint.holds(node)
    judged.set(ofClass, holds)
    return holds
  }
}

function readable(expression: string): Constraint {
  try {
    return parseConstraint(expression)
  } catch (error) {
    const shown = `${expression} (${errorMessage(error)})`
    return { expression: shown, soft: false, isAboutOneNode: false, holds: () => false }
  }
}
