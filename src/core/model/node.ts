/** What an agent says of its host. Key `members/<node>`, under the agent's lease. */
export interface MemberRecord {
  /** The node's name: its host name unless given. Unique in the cluster. */
  readonly name: string
  /** Made once for a data directory; tells a returning node from an impostor with the same name. */
  readonly id: string
  /** ID and name of its engine: the ID alone may be that of the image its host was made of. Records of earlier agents do not say. */
  readonly engineId?: string
  /** Where its Docker Engine API answers: `10.0.0.11:2375`. */
  readonly apiAddress: string
  /** Whether it speaks TLS there. Records of earlier agents do not say: then it does not. */
  readonly apiTls?: boolean
  /** The address other hosts reach it at, for the overlay: `10.0.0.11`. */
  readonly address: string
  readonly nanoCpus: number
  readonly memoryBytes: number
  readonly platform: {
    readonly os: string
    readonly arch: string
    readonly kernel: string
    readonly operatingSystem: string
  }
  readonly engineVersion: string
  readonly storageDriver: string
  /** Labels given to the engine with `--label`. */
  readonly labels: Readonly<Record<string, string>>
  /** Changes when the host reboots. */
  readonly bootId: string
  /** Grows with every start of the agent. */
  readonly epoch: number
  readonly startedAtMs: number
  /** Whether networks that span hosts reach it. Engines that are not ours, and records of earlier agents, do not say: then they do not. */
  readonly overlay?: boolean
}

export type Availability = 'active' | 'pause' | 'drain'

/** The operator's intent for a node. Key `nodes/<node>`. Outlives the node's presence. */
export interface NodeRecord {
  readonly name: string
  /** The member id first seen under this name. */
  readonly memberId: string
  readonly labels: Readonly<Record<string, string>>
  readonly availability: Availability
  /** The last member record seen, so that a node that is down can still be described. */
  readonly lastSeen: MemberRecord
}

/** Key `networks/<name>`. */
export interface NetworkRecord {
  readonly name: string
  /** Empty for one that was made by itself, with `docker network create`. */
  readonly project: string
  /** VXLAN network identifier, unique in the cluster. */
  readonly vni: number
  /** `10.200.3.0/24`. */
  readonly subnet: string
  readonly internal: boolean
  readonly labels: Readonly<Record<string, string>>
  /** Records of earlier managers do not say. */
  readonly createdAtMs?: number
}

/** Key `volumes/<name>`. */
export interface VolumeRecord {
  readonly name: string
  readonly project: string
  /** The node whose disk holds the data; absent until its first task is placed. */
  readonly node?: string
  readonly driver: string
  readonly driverOptions: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

/** Key `endpoints/<network>/<ip>`: what DNS, the overlay and the ingress read. Written by the agent that owns the address. */
export interface EndpointRecord {
  readonly network: string
  readonly address: string
  readonly mac: string
  readonly node: string
  /** The host's own address, where VXLAN packets go. */
  readonly hostAddress: string
  /** `gateway`: the node's own address on the network. `reserved`: claimed for a container that does not run yet. */
  readonly kind: 'task' | 'gateway' | 'container' | 'reserved'
  /** Every name that resolves to it: the container's name, the service's, aliases. */
  readonly names: readonly string[]
  readonly taskId?: string
  readonly serviceId?: string
  /** Only healthy endpoints resolve and receive ingress traffic. */
  readonly healthy: boolean
}

/** Key `meta`. */
export interface ClusterMeta {
  readonly clusterId: string
  readonly formatVersion: number
  readonly createdAtMs: number
}
