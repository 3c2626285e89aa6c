import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { NetworkRecord } from '../core/model/node.ts'
import type { PortSpec } from '../core/model/service.ts'
import type { Random } from '../core/random.ts'
import type { ClusterKeys, Store } from '../discovery/index.ts'
import type { Engine } from '../docker-api/index.ts'
import type { TaskFiles } from './tasks/task-files.ts'

/** An address of a task on a network that spans hosts. */
export interface ClaimedAddress {
  readonly address: string
  readonly mac: string
}

export interface TaskEndpoint {
  /** Of a task; of a container that belongs to none, the container's id, or what stands for it until it has one. */
  readonly taskId: string
  /** Absent: it is no task's. */
  readonly serviceId?: string
  /** Every name that resolves to the address. */
  readonly names: readonly string[]
}

/** The networks that span hosts, as the control loop needs them. */
export interface Overlay {
  /** Makes the network on this node, so that the engine has one of this name. Idempotent. */
  readonly ensureNetwork: (network: NetworkRecord) => Promise<void>
  /**
   * Claims an address for a task; a task that has one keeps it. Throws NO_FREE_ADDRESS when the subnet is full.
   * Undefined: the network does not span hosts, and the engine chooses.
   */
  readonly claimAddress: (network: NetworkRecord, endpoint: TaskEndpoint) => Promise<ClaimedAddress | undefined>
  /** Takes the ports that a task's service publishes on every host. Throws PORT_IN_USE if another program has one here. */
  readonly takePorts: (ports: readonly PortSpec[]) => Promise<void>
  /** Says whether the task's addresses resolve and receive traffic. Takes effect on this node at once. */
  readonly publishTask: (taskId: string, state: { readonly healthy: boolean }) => Promise<void>
  /** Gives the task's addresses back. A task without addresses is fine. */
  readonly releaseTask: (taskId: string) => Promise<void>
  /** Gives back this node's addresses of every other task, not of containers: leftovers of a predecessor. */
  readonly releaseAllBut: (taskIds: ReadonlySet<string>) => Promise<void>
  /** Removes these networks and all rules from this node, for good: nothing is made again afterwards. Throws the first failure. */
  readonly removeNetworks: (names: readonly string[]) => Promise<void>
}

/** The same networks for containers that people make one by one, by the id of the container. */
export interface ContainerOverlay extends Pick<Overlay, 'publishTask' | 'releaseTask' | 'ensureNetwork'> {
  /** The cluster's network of a name. */
  readonly networkOf: (name: string) => NetworkRecord | undefined
  readonly claimAddress: (network: NetworkRecord, endpoint: TaskEndpoint) => Promise<ClaimedAddress>
  /** Gives the addresses of `owner` to another, and changes their names. */
  readonly change: (
    owner: string,
    change: { readonly owner?: string; readonly names?: (before: readonly string[]) => readonly string[] },
  ) => Promise<void>
  /** Gives back the address on one network. */
  readonly leave: (owner: string, network: string) => Promise<void>
  /** Ids of the containers that have addresses here. */
  readonly owners: () => readonly string[]
}

/** Images that other members of the cluster have. */
export interface PeerImages {
  /** Brings the image into this node's engine; false if no peer has it. */
  readonly fetch: (reference: string, signal: AbortSignal) => Promise<boolean>
}

/** What the agent knows from its earlier runs on this data directory. */
export interface AgentMemory {
  /** The member id: made once for a data directory. */
  readonly id: string
  /** How many times an agent started here. */
  readonly epoch: number
  /** The cluster whose tasks run here. */
  readonly clusterId?: string
  /** The newest fencing token obeyed. */
  readonly fencingToken: number
  /** A revision of the store at which that token stood; a store below it was restored from a backup. */
  readonly revision: number
}

export interface AgentMemoryFile {
  readonly read: () => Promise<AgentMemory | undefined>
  /** Durable once resolved. */
  readonly write: (memory: AgentMemory) => Promise<void>
}

/** Containers that are being restarted by hand. */
export interface HandRestarts {
  readonly has: (id: string) => boolean
  /** Has `listener` called when a restart is over, well or not. */
  readonly onEnd: (listener: (id: string) => void) => void
}

export interface AgentPorts {
  readonly engine: Engine
  readonly store: Store
  readonly keys: ClusterKeys
  readonly overlay: Overlay
  readonly peers: PeerImages
  readonly memory: AgentMemoryFile
  /** Absent: tasks that need files fail, and say so. */
  readonly files?: TaskFiles
  /** What people restart by hand through the engine's API. */
  readonly restarts?: HandRestarts
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface AgentOptions {
  /** The node's name, unique in the cluster. */
  readonly name: string
  /** Where its Docker Engine API answers: `10.0.0.11:2375`. */
  readonly apiAddress: string
  /** Whether the API is served with TLS there. */
  readonly apiTls?: boolean
  /** The address other hosts reach it at, for the overlay. */
  readonly address: string
  readonly labels: Readonly<Record<string, string>>
  /** Whether its networks span hosts. */
  readonly overlay?: boolean
  /** Changes when the host reboots. */
  readonly bootId: string
  /** Life of the member key without a heartbeat; default 5 s. */
  readonly ttlMs?: number
  /** Longest time between two heartbeats; default a third of `ttlMs`. */
  readonly heartbeatMs?: number
  /** How long a foreign member of the same name may stay before joining fails; default 12 s. */
  readonly nameWaitMs?: number
}
