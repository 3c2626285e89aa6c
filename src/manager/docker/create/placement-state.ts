import { SWARM_ID_LABEL, taskIdIn } from '../../../core/model/labels.ts'
import {
  ClusterContents,
  ClusterView,
  type HostPort,
  type Reservation,
  schedulableNode,
} from '../../../scheduler/index.ts'
import { type HeldContainer, type Inventory, type InventoryChange } from '../../inventory/index.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { StoredTasks } from '../../plan/stored-tasks.ts'
import { nodesForView } from '../../views.ts'
import { type PendingContainer, PendingContainers } from './pending-containers.ts'
import { ServicePorts } from './service-ports.ts'
import { StandaloneReservations } from './standalone-reservations.ts'

export interface PlacementStatePorts {
  readonly snapshot: () => Snapshot
  readonly inventory: Inventory
  readonly overcommit: number
}

/**
 * What containers that are created one by one are placed by, kept up to date piece by piece: however much lies on the cluster, a
 * decision pays for what has changed since the last one.
 */
export class PlacementState {
  readonly #ports: PlacementStatePorts
  readonly #view: ClusterView
  readonly #contents: ClusterContents
  readonly #servicePorts: ServicePorts
  readonly #pending = new PendingContainers()
  /** Whatever is reserved here, decided and under way included, but for tasks. */
  readonly standalone = new StandaloneReservations()
  readonly #tasks: StoredTasks
  readonly #nodes = new Set<string>()
  /** Nodes whose condition has changed. */
  #conditionsAreOld = true
  #seen: Snapshot | undefined

  constructor(ports: PlacementStatePorts) {
    this.#ports = ports
    this.#view = new ClusterView({ overcommit: ports.overcommit })
    this.#tasks = new StoredTasks(this.#view)
    this.#contents = new ClusterContents(this.#view)
    this.#servicePorts = new ServicePorts(this.#view)
    for (const container of ports.inventory.containers()) this.#count(container)
    for (const { name } of ports.inventory.nodes()) this.#lookAtImages(name)
    ports.inventory.onChange(change => this.#onChange(change))
  }

  /** All that is known now. Valid until the next await. */
  contents(): ClusterContents {
    this.#look()
    return this.#contents
  }

  /** What `look` sees if what is reserved under this id, and the container that holds it, were not there. */
  without<T>(
    { id, container }: { readonly id: string; readonly container?: Pick<HeldContainer, 'node' | 'id'> },
    look: (contents: ClusterContents) => T,
  ): T {
    const contents = this.contents()
    const reservation = contents.view.reservation(id)
    contents.view.release(id)
    const removed = container === undefined ? undefined : contents.removeContainer(container.node, container.id)
    try {
      return look(contents)
    } finally {
      if (reservation !== undefined) contents.view.reserve(reservation)
      if (removed !== undefined) contents.setContainer(removed.node, removed.container)
    }
  }

  /** Whether a container has this name, or is about to; one of the given id of the cluster does not count. */
  isTaken(name: string, swarmId?: string): boolean {
    const named = this.#ports.inventory.named(name)
    const others = swarmId === undefined ? named : named.filter(({ labels }) => labels[SWARM_ID_LABEL] !== swarmId)
    return this.#pending.isHeld(name) || others.length > 0
  }

  /** Takes over which volumes a node says it has. */
  setVolumes(node: string, names: readonly string[]): void {
    this.#contents.setVolumes(node, names)
  }

  /** Counts a container as being on its node, until the returned function is called. */
  add(container: PendingContainer): () => void {
    this.#reserve(container.reservation)
    this.#contents.setContainer(container.reservation.node, container.placed)
    const done = this.#pending.add(container)
    return () => {
      done()
      this.#forget(container, false)
    }
  }

  /** Keeps a name from being given to anybody else, until the returned function is called. */
  holdName(name: string): () => void {
    return this.#pending.hold(name)
  }

  #onChange(change: InventoryChange): void {
    if (change.kind === 'node') {
      this.#conditionsAreOld = true
      if (change.node === undefined) this.#lookAtImages(change.name)
    }
    if (change.kind === 'images') this.#lookAtImages(change.node)
    if (change.kind !== 'container') return
    const { before, now } = change
    if (before !== undefined && now === undefined) {
      this.#release(reservationId(before))
      this.#contents.removeContainer(before.node, before.id)
    }
    if (now === undefined) return
    this.#count(now)
    // It is on its node now, and counted there.
    const pending = this.#pending.get(now.labels[SWARM_ID_LABEL] ?? '')
    if (pending !== undefined) this.#forget(pending, true)
  }

  #forget({ placed, reservation }: PendingContainer, isCounted: boolean): void {
    this.#release(reservation.id, isCounted)
    this.#contents.removeContainer(reservation.node, placed.id)
  }

  #lookAtImages(node: string): void {
    const images = this.#ports.inventory.node(node)?.images ?? []
    this.#contents.setImages(
      node,
      images.map(({ Id, RepoTags }) => ({ id: Id, tags: RepoTags ?? [] })),
    )
  }

  /** Containers of tasks are counted by their tasks, which know what is reserved for them. */
  #count(container: HeldContainer): void {
    const { labels, node, details } = container
    this.#contents.setContainer(node, container)
    if (taskIdIn(labels) !== undefined) return
    const { nanoCpus = 0, memoryBytes = 0, hostPorts = listedPorts(container) } = details ?? {}
    const name = `${node}/${container.name}`
    this.#reserve({ id: reservationId(container), name, node, nanoCpus, memoryBytes, hostPorts })
  }

  #reserve(reservation: Reservation): void {
    this.#view.reserve(reservation)
    this.standalone.set(reservation)
  }

  /** `isElsewhere`: what it took up is reserved under another id now. */
  #release(id: string, isElsewhere = false): void {
    this.#view.release(id)
    this.standalone.delete(id, { isElsewhere })
  }

  #look(): void {
    const snapshot = this.#ports.snapshot()
    if (snapshot === this.#seen && !this.#conditionsAreOld) return
    this.#lookAtNodes(snapshot)
    if (snapshot !== this.#seen) this.#tasks.look(snapshot)
    this.#servicePorts.look(snapshot.services)
    this.#contents.setNetworks(snapshot.networks.keys())
    this.#seen = snapshot
    this.#conditionsAreOld = false
  }

  #lookAtNodes(snapshot: Snapshot): void {
    const nodes = nodesForView(snapshot)
    for (const name of this.#nodes) {
      if (nodes.has(name)) continue
      this.#nodes.delete(name)
      this.#view.removeNode(name)
      this.#contents.setVolumes(name, [])
    }
    for (const [name, { record, member, presence }] of nodes) {
      this.#nodes.add(name)
      // What is not known to be free is not given away.
      const isKnown = this.#ports.inventory.node(name)?.condition === 'live'
      this.#view.setNode(schedulableNode(record, member, presence === 'ready' && isKnown))
    }
  }
}

/** Under which id a container's reservation stands. Ids are told by nodes, and two may tell the same. */
export function reservationId({ node, id }: HeldContainer): string {
  return `${node}/${id}`
}

function listedPorts({ ports }: HeldContainer): HostPort[] {
  return ports.flatMap(({ PublicPort, Type, IP }): HostPort[] =>
    PublicPort === undefined
      ? []
      : [{ published: PublicPort, protocol: Type, ...(IP === undefined ? {} : { hostIp: IP }) }],
  )
}
