import { errorMessage } from '../core/errors.ts'
import { BaseRanks, type RankQuestion } from './base-ranks.ts'
import { type Constraint, parseConstraint } from './constraint.ts'
import { Figures } from './figures.ts'
import type { HostPort, Reservation, SchedulableNode } from './node.ts'

/** How one constraint judges every node, by slot. */
export interface ConstraintMask {
  readonly constraint: Constraint
  readonly holds: Uint8Array
}

/**
 * What the scheduler decides from: the nodes and what is taken up on them. Kept up to date piece by piece; reserving and
 * releasing cost the same however large the cluster is. Figures stand in flat arrays, one slot a node, because a
 * placement reads all of them.
 */
export class ClusterView {
  readonly #slots = new Map<string, number>()
  readonly #nodes: (SchedulableNode | undefined)[] = []
  readonly #reservations = new Map<string, Reservation>()
  readonly #ports: Map<string, HostPort[]>[] = []
  readonly #services = new Map<string, Int32Array>()
  readonly #volumes = new Map<string, string>()
  readonly #masks = new Map<string, ConstraintMask>()
  readonly #overcommitPercent: number
  #byName: Int32Array | undefined
  readonly #ranks = new BaseRanks()
  #figures = new Figures(64)

  /** `overcommit`: share by which nodes are taken for larger than they are; whole percents, as in classic Swarm. */
  constructor({ overcommit = 0 }: { readonly overcommit?: number } = {}) {
    this.#overcommitPercent = Math.trunc(overcommit * 100)
  }

  /** Adds a node, or takes over what changed about it. What is reserved on it stays. */
  setNode(node: SchedulableNode): void {
    const slot = this.#slot(node.name)
    const before = this.#nodes[slot]
    if (before === undefined) this.#byName = undefined
    if (before === undefined || !sameAttributes(before, node)) this.#masks.clear()
    this.#nodes[slot] = node
    this.#figures.totalCpus[slot] = this.#withOvercommit(node.nanoCpus)
    this.#figures.totalMemory[slot] = this.#withOvercommit(node.memoryBytes)
    this.#figures.health[slot] = node.health ?? 100
    this.#figures.open[slot] = node.ready && node.availability === 'active' ? 1 : 0
    this.#ranks.touch(slot)
  }

  removeNode(name: string): void {
    const slot = this.#slots.get(name)
    if (slot === undefined || this.#nodes[slot] === undefined) return
    this.#nodes[slot] = undefined
    this.#figures.open[slot] = 0
    this.#ranks.touch(slot)
    this.#byName = undefined
    this.#masks.clear()
  }

  /** Takes up what a container holds; the same id again replaces what it held. */
  reserve(reservation: Reservation): void {
    this.release(reservation.id)
    this.#reservations.set(reservation.id, reservation)
    this.#account(reservation, 1)
    const ports = this.#ports[this.#slot(reservation.node)]
    for (const port of reservation.hostPorts) {
      const key = portKey(port)
      ports?.set(key, [...(ports.get(key) ?? []), port])
    }
  }

  /** Gives back what a container held; an unknown id is fine. */
  release(id: string): void {
    const reservation = this.#reservations.get(id)
    if (reservation === undefined) return
    this.#reservations.delete(id)
    this.#account(reservation, -1)
    const ports = this.#ports[this.#slot(reservation.node)]
    for (const port of reservation.hostPorts) {
      const rest = (ports?.get(portKey(port)) ?? []).filter(other => other !== port)
      if (rest.length === 0) ports?.delete(portKey(port))
      else ports?.set(portKey(port), rest)
    }
  }

  /** Says on which node's disk a volume is; undefined: on none yet. */
  pinVolume(volume: string, node: string | undefined): void {
    if (node === undefined) this.#volumes.delete(volume)
    else this.#volumes.set(volume, node)
  }

  volumeNode(volume: string): string | undefined {
    return this.#volumes.get(volume)
  }

  node(slot: number): SchedulableNode | undefined {
    return this.#nodes[slot]
  }

  /** Slots of the nodes, by name: the order in which ties are broken. */
  slotsByName(): Int32Array {
    this.#byName ??= Int32Array.from(
      [...this.#slots.entries()]
        .filter(([, slot]) => this.#nodes[slot] !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, slot]) => slot),
    )
    return this.#byName
  }

  /** What stands on each node, by slot. Valid until the view changes. */
  figures(): Readonly<Figures> {
    return this.#figures
  }

  /** How good each node is for a request of this size, by slot, see rank.ts. Valid until the view changes. */
  baseRanks(question: RankQuestion): Float64Array {
    return this.#ranks.of(question, this.#figures)
  }

  /** Tasks of a service by slot. Valid until the view changes. */
  tasksOf(serviceId: string | undefined): Int32Array {
    const tasks = serviceId === undefined ? undefined : this.#services.get(serviceId)
    return tasks !== undefined && tasks.length === this.#figures.size ? tasks : this.#tasksOf(serviceId ?? '')
  }

  /** The port of another container that stands in the way of this one. */
  portConflict(slot: number, wanted: HostPort): HostPort | undefined {
    return this.#ports[slot]?.get(portKey(wanted))?.find(taken => overlaps(taken, wanted))
  }

  /** Judged once for all nodes, until a node's attributes change. An expression that cannot be read holds nowhere. */
  mask(expression: string): ConstraintMask {
    const known = this.#masks.get(expression)
    if (known !== undefined) return known
    const constraint = readable(expression)
    const holds = Uint8Array.from(this.#nodes, node => (node !== undefined && constraint.holds(node) ? 1 : 0))
    const mask = { constraint, holds }
    this.#masks.set(expression, mask)
    return mask
  }

  #account({ node, nanoCpus, memoryBytes, serviceId }: Reservation, sign: 1 | -1): void {
    const slot = this.#slot(node)
    const { usedCpus, usedMemory, containers } = this.#figures
    usedCpus[slot] = (usedCpus[slot] ?? 0) + sign * nanoCpus
    usedMemory[slot] = (usedMemory[slot] ?? 0) + sign * memoryBytes
    containers[slot] = (containers[slot] ?? 0) + sign
    this.#ranks.touch(slot)
    if (serviceId === undefined) return
    const tasks = this.#tasksOf(serviceId)
    tasks[slot] = (tasks[slot] ?? 0) + sign
  }

  #tasksOf(serviceId: string): Int32Array {
    const known = this.#services.get(serviceId)
    if (known?.length === this.#figures.size) return known
    const tasks = new Int32Array(this.#figures.size)
    tasks.set(known ?? [])
    this.#services.set(serviceId, tasks)
    return tasks
  }

  #slot(name: string): number {
    const known = this.#slots.get(name)
    if (known !== undefined) return known
    const slot = this.#nodes.push(undefined) - 1
    this.#slots.set(name, slot)
    this.#ports.push(new Map())
    if (slot >= this.#figures.size) this.#figures = this.#figures.grown()
    return slot
  }

  #withOvercommit(amount: number): number {
    return amount + Math.trunc((amount * this.#overcommitPercent) / 100)
  }
}

function readable(expression: string): Constraint {
  try {
    return parseConstraint(expression)
  } catch (error) {
    return { expression: `${expression} (${errorMessage(error)})`, soft: false, holds: () => false }
  }
}

function portKey({ published, protocol }: HostPort): string {
  return `${published}/${protocol}`
}

function overlaps(a: HostPort, b: HostPort): boolean {
  return isEveryAddress(a.hostIp) || isEveryAddress(b.hostIp) || a.hostIp === b.hostIp
}

function isEveryAddress(hostIp: string | undefined): boolean {
  return hostIp === undefined || hostIp === '' || hostIp === '0.0.0.0' || hostIp === '::'
}

function sameAttributes(a: SchedulableNode, b: SchedulableNode): boolean {
  return (
    a.id === b.id &&
    a.platform.os === b.platform.os &&
    a.platform.arch === b.platform.arch &&
    sameLabels(a.labels, b.labels) &&
    sameLabels(a.engineLabels, b.engineLabels)
  )
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  if (a === b) return true
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key])
}
