/** Why a container is where it is, or why it is nowhere: as the scheduler says it, the manager answers it, and records keep it. */

/** What would take one obstacle away. */
export type Change =
  | { readonly do: 'start-node' | 'activate-node'; readonly node: string }
  /** Take back a part of the request: `zone==b`. */
  | { readonly do: 'drop'; readonly what: RequestPart; readonly text: string }
  /** Bytes of memory, or billionths of a CPU. */
  | { readonly do: 'free'; readonly node: string; readonly what: Amount; readonly amount: number }
  /** The node is smaller than the wish. */
  | { readonly do: 'ask-for-less'; readonly what: Amount; readonly atMost: number }
  | { readonly do: 'free-port'; readonly node: string; readonly port: string; readonly holder: string }
  /** One container fewer, or one more allowed. */
  | { readonly do: 'free-slot'; readonly node: string; readonly allowed: number }
  | { readonly do: 'allow-replicas'; readonly node: string; readonly replicas: number }

export type Amount = 'memory' | 'cpu'
export type RequestPart = 'constraint' | 'affinity' | 'whitelist' | 'dependency' | 'volume' | 'network'

export type ObstacleFilter =
  | 'health'
  | 'availability'
  | 'constraint'
  | 'affinity'
  | 'whitelist'
  | 'dependency'
  | 'containerslots'
  | 'cpu'
  | 'memory'
  | 'port'
  | 'volume'
  | 'network'
  | 'replicas'

/** One thing that is in the way on a node. */
export interface Obstacle {
  readonly filter: ObstacleFilter
  /** The same text on every node with the same obstacle: `memory 512MiB wanted`. */
  readonly what: string
  /** What the node has left of it, for amounts. */
  readonly free?: number
  readonly change: Change
}

/** What a node's rank is made of. */
export interface ScoreParts {
  /** Percent of the node's CPUs and memory that is taken once the container is there; absent if none is asked for. */
  readonly cpuPercent?: number
  readonly memoryPercent?: number
  /** Classic Swarm's indicator, 0 to 100. */
  readonly health: number
  readonly containers: number
  /** Tasks of the same service. */
  readonly siblings?: number
  /** By how many of them the node's group has more than the one with the fewest, where they are spread over groups. */
  readonly crowding?: number
  /** Wishes that the node does not grant, where they are counted. */
  readonly missedWishes?: number
  /** The node does not have the image, where that counts. */
  readonly lacksImage?: true
  /** Less is better. */
  readonly rank: number
}

export interface NodeVerdict {
  readonly node: string
  /** Empty: the node will do. */
  readonly obstacles: readonly Obstacle[]
  readonly score?: ScoreParts
}

/** All of the changes are needed, and together they are enough. */
export interface SmallestChange {
  readonly node: string
  readonly changes: readonly Change[]
  /** The same in words: `free 200MiB of memory on n2`. */
  readonly text: readonly string[]
}

/** How every node stands to a request. */
export interface Explanation {
  readonly strategy: string
  /** Absent: none will do. */
  readonly chosen?: string
  /** No node grants all wishes, so that none of them counts. */
  readonly wishesDropped: boolean
  /** The best first, then those that will not do by name. */
  readonly nodes: readonly NodeVerdict[]
  /** If no node will do, what would make one do. */
  readonly smallestChange?: SmallestChange
}

/** What is kept of a decision beside the container or task it was taken for. */
export interface PlacementRecord {
  readonly strategy: string
  readonly node: string
  readonly score: ScoreParts
  /** The next best at that time, at most three. */
  readonly others: readonly { readonly node: string; readonly score: ScoreParts }[]
  /** Nodes in the cluster at that time. */
  readonly nodes: number
  readonly wishesDropped?: true
  readonly decidedAtMs?: number
}

/** `GET /v1/why/{container or task}`. */
export interface WhyAnswer {
  readonly kind: 'task' | 'container'
  readonly id: string
  readonly name: string
  readonly image: string
  /** Absent: it waits for one. */
  readonly node?: string
  /** What was kept of the decision; absent for what this cluster did not place. */
  readonly record?: PlacementRecord
  /** The same in one line. */
  readonly because?: string
  /** Why it waits. */
  readonly pendingReasons?: readonly string[]
  /** How the nodes would stand to it if it were placed now. */
  readonly now: Explanation
}

/** Body of `POST /v1/why-not`. */
export interface WhyNotQuestion {
  /** A service (`project/service`, or its name if only one has it), else an image. */
  readonly of: string
  /** What would be created of the image: a body of Docker's create request. */
  readonly container?: object
  /** What it would be called. */
  readonly name?: string
  /** Only this node is asked about. */
  readonly node?: string
}

/** Its answer. */
export interface WhyNotAnswer {
  readonly kind: 'service' | 'image'
  readonly of: string
  readonly explanation: Explanation
}
