import { type Clock, sleep, withDeadline } from '../../core/clock.ts'
import { unavailable } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { RESCHEDULE_LABEL, SWARM_ID_LABEL } from '../../core/model/labels.ts'
import type { MemberRecord } from '../../core/model/node.ts'
import type { Engine } from '../../docker-api/index.ts'
import { ContainerIndex } from './container-index.ts'
import { Gate } from './gate.ts'
import type { HeldContainer } from './held-container.ts'
import type { Inventory, InventoryChange, NodeInventory } from './inventory.ts'
import { ANSWER_MS, NodeFeed } from './node-feed.ts'
import type { ContainerBlock } from './sorted-containers.ts'

export interface InventoryPorts {
  readonly clock: Clock
  readonly log: Log
  readonly engines: (member: MemberRecord) => Engine
  /** The members as they are now, by name. */
  readonly members: () => ReadonlyMap<string, MemberRecord>
  /** Whether a node that is no member is still one of the cluster's: then what it had is shown. */
  readonly isKnown: (node: string) => boolean
  /** Resolves once `members` tells all there are; absent: it does from the beginning. */
  readonly membersKnown?: () => Promise<void>
}

/** Questions to all nodes together: enough to keep a manager busy, few enough for its sockets, and to get answers in time. */
const ASKED_AT_ONCE = 128
/** Of which those that only fill in what lists leave out. */
const DETAILS_AT_ONCE = 24
/** How often we look who is a member, besides whenever we are asked. */
const LOOK_MS = 1_000
const RELIST_MS = 60_000
/** Full lists of a large cluster are spread, so that they never take more than a few a second. */
const RELIST_MS_EACH_NODE = 500
/** Right after the start, answers wait so long for all nodes: longer than for any that does not answer. */
const BEGIN_MS = ANSWER_MS + 1_000
/** An answer does not wait longer than this for news that is on its way. */
const SETTLE_MS = 1_000
const REFRESH_MS = 2_000

interface Followed {
  readonly member: MemberRecord
  readonly feed: NodeFeed
}

/** What lies on the nodes, from their own engines. Nothing is asked before it is run, and until then it is empty. */
export class ClusterInventory implements Inventory {
  readonly #ports: InventoryPorts
  readonly #gate = new Gate(ASKED_AT_ONCE, DETAILS_AT_ONCE)
  readonly #followed = new Map<string, Followed>()
  readonly #index = new ContainerIndex()
  readonly #listeners = new Set<(change: InventoryChange) => void>()
  /** Nodes that were members and are none, and may be forgotten one day. */
  readonly #away = new Set<string>()
  /** All nodes that have told of something that was not read yet, and a few more. */
  readonly #unsettled = new Set<NodeFeed>()
  readonly #begun = Promise.withResolvers<void>()
  #looked: ReadonlyMap<string, MemberRecord> | undefined
  #version = 0
  #isClosed = true

  constructor(ports: InventoryPorts) {
    this.#ports = ports
  }

  /** Follows the nodes until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    this.#isClosed = false
    const begin = async (): Promise<void> => {
      await this.#ports.membersKnown?.()
      this.look()
      await Promise.all([...this.#followed.values()].map(({ feed }) => feed.imagesSettled()))
    }
    void this.#within(BEGIN_MS, begin).then(this.#begun.resolve)
    while (!signal.aborted) {
      this.look()
      await sleep(this.#ports.clock, LOOK_MS, signal).catch(() => {})
    }
    this.#isClosed = true
    this.#begun.resolve()
    for (const { feed } of this.#followed.values()) feed.leave('This manager has stopped')
  }

  /** Begins to follow members that are new, and lets those go that are none any more. Costs nothing while nothing changed. */
  look(): void {
    const members = this.#ports.members()
    if (this.#isClosed) return
    for (const name of this.#away) this.#leave(name)
    if (members === this.#looked) return
    this.#looked = members
    this.#away.clear()
    for (const name of this.#followed.keys()) if (!members.has(name)) this.#leave(name)
    for (const member of members.values()) this.#follow(member, members.size)
  }

  readonly nodes = (): readonly NodeInventory[] => {
    this.look()
    return [...this.#followed.values()].map(({ feed }) => feed).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  readonly node = (name: string): NodeInventory | undefined => {
    this.look()
    return this.#followed.get(name)?.feed
  }

  readonly containers = (): readonly HeldContainer[] => this.blocks().flatMap(({ containers }) => containers)

  readonly blocks = (): readonly ContainerBlock[] => {
    this.look()
    return this.#index.blocks()
  }

  readonly named = (name: string): readonly HeldContainer[] => this.#index.named(name)

  readonly find = (reference: string): readonly HeldContainer[] => {
    this.look()
    return this.#index.find(reference)
  }

  readonly version = (): number => this.#version

  readonly onChange = (listener: (change: InventoryChange) => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  readonly begun = (): Promise<void> => this.#begun.promise

  readonly settled = async (): Promise<void> => {
    this.look()
    for (const feed of this.#unsettled) if (!feed.isUnsettled) this.#unsettled.delete(feed)
    const feeds = [...this.#unsettled]
    if (feeds.length > 0) await this.#within(SETTLE_MS, () => Promise.all(feeds.map(feed => feed.settled())))
  }

  readonly imagesSettled = async (): Promise<void> => {
    this.look()
    const feeds = [...this.#followed.values()]
    await this.#within(SETTLE_MS, () => Promise.all(feeds.map(({ feed }) => feed.imagesSettled())))
  }

  readonly refreshImages = async (nodes: readonly string[]): Promise<void> => {
    this.look()
    const feeds = nodes.flatMap(name => this.#followed.get(name) ?? [])
    await this.#within(REFRESH_MS, () => Promise.all(feeds.map(({ feed }) => feed.refreshImages())))
  }

  readonly refresh = async (node: string, id: string): Promise<void> => {
    this.look()
    const followed = this.#followed.get(node)
    if (followed !== undefined) await this.#within(REFRESH_MS, () => followed.feed.refresh(id))
  }

  async #within(ms: number, work: () => Promise<unknown>): Promise<void> {
    const onTimeout = (): Error => unavailable('NODE_SILENT', 'A node does not answer')
    // Whoever is late is told by the node's condition, and comes with its events.
    await withDeadline(work, ms, { clock: this.#ports.clock, onTimeout }).catch(() => {})
  }

  #follow(member: MemberRecord, members: number): void {
    const { name } = member
    const known = this.#followed.get(name)
    if (known !== undefined && known.feed.condition !== 'down' && isSameEngine(known.member, member)) return
    if (known !== undefined) this.#forget(known.feed)
    const { engines, clock, log } = this.#ports
    const relistMs = Math.max(RELIST_MS, members * RELIST_MS_EACH_NODE)
    const tellNode = (): void => {
      const { condition, error } = feed
      this.#unsettled.add(feed)
      if (condition === 'broken') log.warn({ node: name, error }, 'a node does not answer as an engine should')
      if (condition === 'live')
        log.info({ node: name, containers: feed.containers.size }, 'following the containers of a node')
      this.#tell({ kind: 'node', name, node: feed })
    }
    const feed = new NodeFeed(member, {
      engine: engines(member),
      clock,
      gate: this.#gate,
      relistMs,
      // A cluster is met all at once, and listed anew one node after the other.
      firstRelistMs: relistMs * (1 - (this.#followed.size % members) / (2 * members)),
      onContainer: (_id, before, now) => this.#replace(name, before, now),
      onCondition: tellNode,
      onUnsettled: () => this.#unsettled.add(feed),
      onImages: () => this.#tell({ kind: 'images', node: name }),
    })
    this.#followed.set(name, { member, feed })
    this.#unsettled.add(feed)
    void feed.run()
    this.#tell({ kind: 'node', name, node: feed })
  }

  #leave(name: string): void {
    const followed = this.#followed.get(name)
    if (followed === undefined) return
    followed.feed.leave('Its lease has ended')
    this.#away.add(name)
    if (this.#ports.isKnown(name)) return
    this.#away.delete(name)
    this.#forget(followed.feed)
    this.#followed.delete(name)
    this.#tell({ kind: 'node', name })
  }

  #forget(feed: NodeFeed): void {
    feed.leave('It is another engine now')
    for (const container of feed.containers.values()) this.#replace(feed.name, container, undefined)
  }

  #replace(node: string, before: HeldContainer | undefined, now: HeldContainer | undefined): void {
    this.#index.replace(before, now)
    this.#tell({
      kind: 'container',
      node,
      ...(before === undefined ? {} : { before }),
      ...(now === undefined ? {} : { now }),
    })
    if (now !== undefined) this.#forgetReplaced(now)
  }

  /**
   * What was made anew elsewhere because its node is down is not shown there any more, as by classic Swarm: clients ask of everything
   * that they are shown, and the node does not answer. What asked to stay with its node is nobody else's to take its place.
   */
  #forgetReplaced({ node, labels }: HeldContainer): void {
    const swarmId = labels[SWARM_ID_LABEL]
    if (swarmId === undefined) return
    for (const other of this.#index.find(swarmId)) {
      const feed = this.#followed.get(other.node)?.feed
      const isLeft = other.node !== node && feed?.condition === 'down' && RESCHEDULE_LABEL in other.labels
      if (isLeft) feed.forget(other.id)
    }
  }

  #tell(change: InventoryChange): void {
    this.#version++
    for (const listener of this.#listeners) listener(change)
  }
}

function isSameEngine(a: MemberRecord, b: MemberRecord): boolean {
  return a.apiAddress === b.apiAddress && a.apiTls === b.apiTls && a.id === b.id && a.address === b.address
}
