/** A node as the scheduler sees it. */
export interface SchedulableNode {
  readonly name: string
  readonly id: string
  /** Its agent holds its lease. */
  readonly ready: boolean
  readonly availability: 'active' | 'pause' | 'drain'
  /** The operator's labels (`node.labels.…`). */
  readonly labels: Readonly<Record<string, string>>
  /** The engine's labels (`engine.labels.…`, and what classic expressions mean). */
  readonly engineLabels: Readonly<Record<string, string>>
  readonly platform: { readonly os: string; readonly arch: string }
  readonly nanoCpus: number
  readonly memoryBytes: number
  /** Takes part in networks over nodes. */
  readonly overlay?: boolean
  /** Classic Swarm's health indicator, 0 to 100. Default: 100. */
  readonly health?: number
}

/** A port on the host itself. `hostIp` absent, empty or 0.0.0.0 means every address. */
export interface HostPort {
  readonly published: number
  readonly protocol: 'tcp' | 'udp'
  readonly hostIp?: string
}

/** What a container takes up on a node, running or not. */
export interface Reservation {
  readonly id: string
  /** What people call it. Default: the id. */
  readonly name?: string
  readonly node: string
  readonly nanoCpus: number
  readonly memoryBytes: number
  readonly serviceId?: string
  readonly hostPorts: readonly HostPort[]
}

/** What is asked of a node. Amounts of zero are "no wish". */
export interface PlacementRequest {
  readonly serviceId?: string
  readonly nanoCpus: number
  readonly memoryBytes: number
  /** Expressions, see constraint.ts. Soft ones (`~`) are dropped together when no node fits with them. */
  readonly constraints: readonly string[]
  readonly hostPorts: readonly HostPort[]
  /** Named volumes: the task must go where they are. */
  readonly volumes: readonly string[]
  readonly replicasPerNodeMax?: number
  /** A key of constraints: nodes whose value of it has fewer tasks of the service come first. */
  readonly spreadOver?: string
}

export const EMPTY_REQUEST: PlacementRequest = {
  nanoCpus: 0,
  memoryBytes: 0,
  constraints: [],
  hostPorts: [],
  volumes: [],
}
