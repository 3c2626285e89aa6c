import type { SchedulableNode } from '../node.ts'

type Labels = Readonly<Record<string, string>>

/** Nodes that no constraint on labels or platform can tell apart are of one class. */
export class NodeClasses {
  readonly #classes = new Map<string, { readonly id: number; nodes: number }>()
  /** By slot. */
  readonly #keys: (string | undefined)[] = []
  #next = 0

  set(slot: number, node: SchedulableNode | undefined): void {
    this.#leave(slot)
    if (node === undefined) return
    const key = keyOf(node)
    const known = this.#classes.get(key)
    if (known === undefined) this.#classes.set(key, { id: this.#next++, nodes: 1 })
    else known.nodes++
    this.#keys[slot] = key
  }

  /** The number of the class of the node in this slot. A number is never used again for other labels. */
  of(slot: number): number {
    return this.#classes.get(this.#keys[slot] ?? '')?.id ?? -1
  }

  #leave(slot: number): void {
    const key = this.#keys[slot]
    const left = this.#classes.get(key ?? '')
    this.#keys[slot] = undefined
    if (key === undefined || left === undefined) return
    left.nodes--
    if (left.nodes === 0) this.#classes.delete(key)
  }
}

function keyOf({ platform, labels, engineLabels }: SchedulableNode): string {
  return JSON.stringify([platform.os, platform.arch, sorted(labels), sorted(engineLabels)])
}

function sorted(labels: Labels): readonly (readonly [string, string])[] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Whether two descriptions of a node are the same for every constraint. */
export function sameAttributes(a: SchedulableNode, b: SchedulableNode): boolean {
  return (
    a.id === b.id &&
    a.platform.os === b.platform.os &&
    a.platform.arch === b.platform.arch &&
    sameLabels(a.labels, b.labels) &&
    sameLabels(a.engineLabels, b.engineLabels)
  )
}

function sameLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key])
}
