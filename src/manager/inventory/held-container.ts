import type { ContainerStatus, PortSummary, ShownState } from '../../docker-api/index.ts'
import type { HostPort } from '../../scheduler/index.ts'

/** What only an inspected container tells. */
export interface ContainerDetails {
  readonly createdMs: number
  readonly state: ShownState
  /** As classic Swarm counts CPUs: NanoCpus, or shares as the node's own were made of them. */
  readonly nanoCpus: number
  readonly memoryBytes: number
  /** What it binds on its host, while it runs or has not been started yet. */
  readonly hostPorts: readonly HostPort[]
  /** With the host's network: the ports it says it uses, such as `80/tcp`. */
  readonly hostModePorts: readonly string[]
}

/**
 * A container as the manager keeps it: what `docker ps`, its filters and the scheduler ask for, and the rest as text that is ready to
 * be sent. There may be 30,000 of them, so nothing is kept twice.
 */
export interface HeldContainer {
  readonly id: string
  readonly node: string
  /** Without a slash. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly image: string
  readonly imageId: string
  /** Milliseconds since 1970; whole seconds until there are details. */
  readonly createdMs: number
  readonly ports: readonly PortSummary[]
  readonly networks: readonly { readonly name: string; readonly id: string }[]
  /** Names of volumes, sources and destinations. */
  readonly mounts: readonly string[]
  readonly networkMode: string
  readonly status: ContainerStatus
  /** The status column as the node listed it, until there are details. */
  readonly listedStatus: string
  readonly hostModePorts: readonly string[]
  /** Absent until the container was inspected once. */
  readonly details?: ContainerDetails
  /** Its line of `GET /containers/json` as JSON, but for the state, the status and the closing brace. */
  readonly line: string
}
