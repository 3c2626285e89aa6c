import type { ImageSummary } from '../../docker-api/index.ts'
import type { HeldContainer } from './held-container.ts'
import type { ContainerBlock } from './sorted-containers.ts'

/**
 * How much what is known of a node is worth. `live`: its events are followed, so it is how the node is now. `reading`: it has not told
 * everything yet. `broken`: it is a member and does not answer as an engine should. `down`: its lease has ended, or it left.
 */
export type NodeCondition = 'reading' | 'live' | 'broken' | 'down'

/** A node and what lies on it, as it was last told. */
export interface NodeInventory {
  readonly name: string
  readonly condition: NodeCondition
  /** Why it is broken or down: a sentence without the node's name. */
  readonly error: string | undefined
  /** While it is broken: it answers nothing at all. */
  readonly isSilent: boolean
  /** Why it was broken when it went down. */
  readonly errorBefore: string | undefined
  /** Wall clock of when it became broken or down, as far as it was seen. */
  readonly sinceMs: number | undefined
  /** Wall clock of the last time the node told everything. */
  readonly listedAtMs: number | undefined
  /** By id. */
  readonly containers: ReadonlyMap<string, HeldContainer>
  readonly images: readonly ImageSummary[]
  /** Whether `images` are all it has, as far as its events have told. */
  readonly imagesAreKnown: boolean
  /** How far its clock was ahead when it last told everything, in milliseconds; less than its way here takes counts as nothing. */
  readonly clockSkewMs: number
}

export type InventoryChange =
  /** A container is new, different, or gone (`now` absent). */
  | { readonly kind: 'container'; readonly node: string; readonly before?: HeldContainer; readonly now?: HeldContainer }
  /** A node came, went, or its condition changed. A node that is gone for good has no `node` any more. */
  | { readonly kind: 'node'; readonly name: string; readonly node?: NodeInventory }
  | { readonly kind: 'images'; readonly node: string }

/**
 * What lies on the nodes of the cluster, known without asking them: containers, and images by node. Filled by one list a node, kept by
 * the nodes' events, verified by a full list now and then.
 */
export interface Inventory {
  /** Every node that is known, by name. */
  readonly nodes: () => readonly NodeInventory[]
  readonly node: (name: string) => NodeInventory | undefined
  /** Of all nodes, the newest first; those of nodes that do not answer included. */
  readonly containers: () => readonly HeldContainer[]
  /** The same in blocks, for whoever keeps what was made of those that do not change. Valid until the next await. */
  readonly blocks: () => readonly ContainerBlock[]
  /** Containers of this exact name, on any node. */
  readonly named: (name: string) => readonly HeldContainer[]
  /**
   * Containers that are meant by an id, a name, `node/name`, the id that classic Swarm gives them, or a unique beginning of an id: in
   * this order, and of the first kind that any has. Several: it is ambiguous.
   */
  readonly find: (reference: string) => readonly HeldContainer[]
  /** Grows with every change of containers and nodes. */
  readonly version: () => number
  readonly onChange: (listener: (change: InventoryChange) => void) => () => void
  /** Resolves once every node was read, or has failed, after the start; after a while in any case. Never rejects. */
  readonly begun: () => Promise<void>
  /** Resolves once everything that nodes have reported until now was read; after a short while in any case. Never rejects. */
  readonly settled: () => Promise<void>
  /** The same of images. */
  readonly imagesSettled: () => Promise<void>
  /** Reads a container anew, after something was done to it. Resolves after a short while in any case; never rejects. */
  readonly refresh: (node: string, id: string) => Promise<void>
  /** The same with the images of nodes. */
  readonly refreshImages: (nodes: readonly string[]) => Promise<void>
}
