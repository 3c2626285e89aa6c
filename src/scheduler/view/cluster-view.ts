import type { HostPort, Reservation, SchedulableNode } from '../node.ts'
import { type ConstraintMask, ConstraintMasks } from './constraint-masks.ts'
import { Figures } from './figures.ts'
import { NodeClasses, sameAttributes } from './node-classes.ts'
import { PortTable, type TakenPort } from './port-table.ts'
import type { RankTree } from './rank-tree.ts'
import { Rankings, type RankQuestion } from './rankings.ts'
import { roomOf } from './room.ts'
import { ServiceSiblings, type Siblings } from './siblings.ts'

/**
 * What the scheduler decides from: the nodes and what is taken up on them. Kept up to date piece by piece for as long as
 * the cluster is managed; what has gone leaves nothing behind. Reserving and releasing cost the same however large the
 * cluster is. Every node has a slot, a small number; figures stand in flat arrays by slot.
 */
export class ClusterView {
  readonly #slots = new Map<string, number>()
  readonly #nodes: (SchedulableNode | undefined)[] = []
  readonly #ports: PortTable[] = []
  readonly #freeSlots: number[] = []
  /** Of services that every host answers for. */
  readonly #clusterPorts = new PortTable()
  readonly #reservations = new Map<string, Reservation>()
  readonly #volumes = new Map<string, string>()
  readonly #classes = new NodeClasses()
  readonly #masks = new ConstraintMasks(this.#classes)
  readonly #services = new ServiceSiblings()
  readonly #rankings = new Rankings()
  readonly #overcommit: number
  #figures = new Figures(64)
  /** Slots by name, and the place of each slot among them; undefined after nodes came or went. */
  #byName: { readonly slots: Int32Array; readonly order: Int32Array } | undefined

  /** `overcommit`: share by which nodes are taken for larger than they are. */
  constructor({ overcommit = 0 }: { readonly overcommit?: number } = {}) {
    this.#overcommit = overcommit
  }

  /** Adds a node, or takes over what changed about it. What is reserved on it stays. */
  setNode(node: SchedulableNode): void {
    const slot = this.#slot(node.name)
    const before = this.#nodes[slot]
    if (before === node) return
    this.#nodes[slot] = node
    if (before === undefined) this.#membersChanged()
    if (before === undefined || !sameAttributes(before, node)) {
      this.#classes.set(slot, node)
      this.#masks.nodeChanged(slot, node)
    }
    const room = roomOf(node, this.#overcommit)
    this.#figures.totalCpus[slot] = room.nanoCpus
    this.#figures.totalMemory[slot] = room.memoryBytes
    this.#figures.health[slot] = node.health ?? 100
    this.#figures.open[slot] = node.ready && node.availability === 'active' ? 1 : 0
    this.#rankings.touch(slot)
  }

  /** What is reserved on it stays until it is released, and counts again if the node comes back. */
  removeNode(name: string): void {
    const slot = this.#slots.get(name)
    if (slot === undefined || this.#nodes[slot] === undefined) return
    this.#nodes[slot] = undefined
    this.#figures.open[slot] = 0
    this.#classes.set(slot, undefined)
    this.#masks.nodeChanged(slot, undefined)
    this.#membersChanged()
    this.#rankings.touch(slot)
    this.#giveBack(name, slot)
  }

  /** Takes up what a container holds; the same id again replaces what it held. */
  reserve(reservation: Reservation): void {
    if (this.#reservations.get(reservation.id) === reservation) return
    this.release(reservation.id)
    this.#reservations.set(reservation.id, reservation)
    const slot = this.#slot(reservation.node)
    this.#account(slot, reservation, 1)
    for (const port of reservation.hostPorts) this.#ports[slot]?.take(port, reservation.id)
  }

  /** Gives back what a container held; an unknown id is fine. */
  release(id: string): void {
    const reservation = this.#reservations.get(id)
    if (reservation === undefined) return
    this.#reservations.delete(id)
    const slot = this.#slot(reservation.node)
    this.#account(slot, reservation, -1)
    for (const port of reservation.hostPorts) this.#ports[slot]?.free(port, id)
    this.#giveBack(reservation.node, slot)
  }

  /** Takes a port on every node that answers for services wherever they run, those to come included. */
  takePort(port: HostPort, holder: string): void {
    this.#clusterPorts.take(port, holder)
  }

  /** Gives such a port back; one that is not taken is fine. */
  freePort(port: HostPort, holder: string): void {
    this.#clusterPorts.free(port, holder)
  }

  /** What a container holds. */
  reservation(id: string): Reservation | undefined {
    return this.#reservations.get(id)
  }

  /** What people call what was reserved under this id. */
  nameOf(id: string): string {
    return this.#reservations.get(id)?.name ?? id
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

  /** The slot of a node of this name; undefined if there is none. */
  slotOf(name: string): number | undefined {
    const slot = this.#slots.get(name)
    return slot === undefined || this.#nodes[slot] === undefined ? undefined : slot
  }

  /** Slots of the nodes, by name: the order in which ties are broken. */
  slotsByName(): Int32Array {
    return this.#sorted().slots
  }

  /** Where a slot stands among {@link slotsByName}. */
  placeOf(slot: number): number {
    return this.#sorted().order[slot] ?? 0
  }

  /** What stands on each node, by slot. Valid until the view changes. */
  figures(): Readonly<Figures> {
    return this.#figures
  }

  /** How good each node is for a request of this size under these constraints, see rank.ts. Valid until the view changes. */
  ranking(question: RankQuestion, masks: readonly ConstraintMask[]): RankTree {
    return this.#rankings.of(question, masks, { figures: this.#figures, order: this.#sorted().order })
  }

  /** Tasks of a service by slot. Valid until the view changes. */
  siblings(serviceId: string | undefined): Siblings {
    return this.#services.of(serviceId, this.#sorted().slots)
  }

  /** The port of another container, or of a service, that stands in the way of this one. */
  portConflict(slot: number, wanted: HostPort): TakenPort | undefined {
    return this.#ports[slot]?.conflict(wanted) ?? this.#portsOfAll(slot)?.conflict(wanted)
  }

  /** All of them. */
  portConflicts(slot: number, wanted: HostPort): readonly TakenPort[] {
    return [...(this.#ports[slot]?.conflicts(wanted) ?? []), ...(this.#portsOfAll(slot)?.conflicts(wanted) ?? [])]
  }

  #portsOfAll(slot: number): PortTable | undefined {
    return this.#nodes[slot]?.overlay === true ? this.#clusterPorts : undefined
  }

  /** How a constraint judges the nodes. An expression that cannot be read holds nowhere. Valid until the view changes. */
  mask(expression: string): ConstraintMask {
    return this.#masks.of(expression, this.#nodes, this.#figures.size)
  }

  #account(slot: number, { nanoCpus, memoryBytes, serviceId }: Reservation, change: 1 | -1): void {
    const { usedCpus, usedMemory, containers } = this.#figures
    usedCpus[slot] = (usedCpus[slot] ?? 0) + change * nanoCpus
    usedMemory[slot] = (usedMemory[slot] ?? 0) + change * memoryBytes
    containers[slot] = (containers[slot] ?? 0) + change
    this.#rankings.touch(slot)
    if (serviceId !== undefined) this.#services.account(serviceId, slot, change)
  }

  #membersChanged(): void {
    this.#byName = undefined
    this.#services.nodesChanged()
  }

  #sorted(): { readonly slots: Int32Array; readonly order: Int32Array } {
    if (this.#byName !== undefined) return this.#byName
    const slots = Int32Array.from(
      [...this.#slots.entries()]
        .filter(([, slot]) => this.#nodes[slot] !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, slot]) => slot),
    )
    const order = new Int32Array(this.#figures.size)
    slots.forEach((slot, place) => {
      order[slot] = place
    })
    this.#byName = { slots, order }
    return this.#byName
  }

  #slot(name: string): number {
    const known = this.#slots.get(name)
    if (known !== undefined) return known
    const slot = this.#freeSlots.pop() ?? this.#newSlot()
    this.#slots.set(name, slot)
    return slot
  }

  #newSlot(): number {
    const slot = this.#nodes.push(undefined) - 1
    this.#ports.push(new PortTable())
    if (slot < this.#figures.size) return slot
    this.#figures = this.#figures.grown()
    this.#masks.grow(this.#figures.size)
    this.#rankings.clear()
    this.#byName = undefined
    return slot
  }

  /** A slot without a node on which nothing is reserved is somebody else's next. */
  #giveBack(name: string, slot: number): void {
    if (this.#nodes[slot] !== undefined || this.#figures.containers[slot] !== 0) return
    this.#slots.delete(name)
    this.#freeSlots.push(slot)
  }
}
