import type { NodeRecord } from './node.ts'
import type { ProjectSpec } from './service.ts'
import type { Health, PrintedLine, TaskState } from './task.ts'

/** Bodies of Shoal's own API under `/v1`, as the manager answers and the command line reads them. */

/** One line of a plan: what an `up` or `down` does, or did. */
export interface PlanStep {
  readonly action: 'create' | 'update' | 'scale' | 'remove' | 'keep'
  /**
   * `container`: on one engine, where there is no manager that makes them of services, and of `run`. `image`: what the command line
   * removes itself.
   */
  readonly kind: 'network' | 'volume' | 'service' | 'container' | 'image'
  readonly name: string
  /** What differs, for `update` and `scale`: `image`, `environment.GREETING`. */
  readonly because?: readonly string[]
  /** The node that holds what is removed, and is down: it is removed when that returns. */
  readonly awaitedNode?: string
}

/** `PUT /v1/projects/{name}?dryRun=&forceRecreate=&recreate=&removeOrphans=` with a {@link ProjectSpec}; `DELETE /v1/projects/{name}?volumes=&dryRun=`. */
export interface ApplyResult {
  readonly project: string
  readonly changed: boolean
  readonly steps: readonly PlanStep[]
  /** Worth telling, but not wrong: services that are no longer in the project and keep running. */
  readonly warnings?: readonly string[]
}

/** One task as a person sees it. `GET /v1/projects/{name}/tasks`. */
export interface TaskView {
  readonly id: string
  readonly name: string
  readonly project: string
  readonly service: string
  readonly slot: number
  readonly image: string
  readonly command: string
  readonly node?: string
  /** Of its node, for other hosts. */
  readonly address?: string
  readonly state: TaskState
  readonly desired: 'running' | 'stopped'
  readonly health: Health
  readonly paused?: true
  readonly containerId?: string
  readonly exitCode?: number
  /** The last that it printed before it failed, for when its container is no more. */
  readonly printed?: readonly PrintedLine[]
  readonly restarts: number
  readonly ports: readonly string[]
  readonly error?: string
  readonly pendingReasons?: readonly string[]
  readonly createdAtMs: number
  readonly startedAtMs?: number
  /** On one engine: Docker's own words for how its container is, `paused` and `Up 5 minutes (Paused)`. */
  readonly shown?: { readonly state: string; readonly status: string }
}

/** One of `GET /v1/projects`. */
export interface ProjectSummary {
  readonly name: string
  readonly services: number
  /** Replicas that are wanted, and those that run. */
  readonly wanted: number
  readonly running: number
  /** Every service has converged. */
  readonly converged: boolean
  /** It is being taken down. */
  readonly removing: boolean
  /** On one engine: `exited(1), running(2)`. */
  readonly status?: string
  readonly configFiles?: readonly string[]
}

/** `GET /v1/projects/{name}`. */
export interface ProjectView {
  readonly spec: ProjectSpec
  /** It is being taken down: answers 404 once that is done. */
  readonly removing: boolean
  readonly services: readonly {
    readonly name: string
    readonly wanted: number
    readonly running: number
    readonly healthy: number
    /** All replicas run the present spec and are healthy, or the service has completed. */
    readonly converged: boolean
    /** Its last change has failed and was taken back, and why. */
    readonly rolledBack?: string
    /** The last that a container printed whose failure had it taken back. */
    readonly printed?: readonly PrintedLine[]
  }[]
  readonly tasks: readonly TaskView[]
}

/**
 * Classic Swarm's states of an engine. `pending`: listed, and not taken in (it never answered, or must not be a node).
 * `unhealthy`: a node that does not answer. `disconnected`: its agent holds no lease, or it is listed no more.
 */
export type NodeHealth = 'pending' | 'healthy' | 'unhealthy' | 'disconnected'

/** Answer of `POST /v1/rebalance`. */
export interface Rebalance {
  readonly moves: readonly {
    /** Id of the task. */
    readonly task: string
    /** `<project>-<service>-<slot>`. */
    readonly name: string
    readonly from: string
    /** As things stand. */
    readonly to: string
  }[]
}

/** `GET /v1/nodes`. */
export interface NodeView extends NodeRecord {
  readonly status: 'ready' | 'down'
  readonly health: NodeHealth
  /** Why it is not healthy, one sentence. */
  readonly reason?: string
  readonly tasks: number
  readonly reserved: { readonly nanoCpus: number; readonly memoryBytes: number }
}

/** A task on a node that is looked at, and what becomes of it if the node is drained. */
export interface NodeTaskView {
  readonly id: string
  /** Name of its container: `shop-web-1`. */
  readonly name: string
  readonly serviceId: string
  readonly state: TaskState
  readonly health: Health
  /** The task that takes its place on another node; this one stops once that one is well. */
  readonly successor?: {
    readonly id: string
    readonly node: string
    readonly state: TaskState
    readonly health: Health
  }
  /** While the node is drained: why no other node can take it, one line a reason. It goes on running here. */
  readonly blockers?: readonly string[]
}

/** `GET /v1/nodes/{name}`. */
export interface NodeDetails extends NodeView {
  readonly placements: readonly NodeTaskView[]
  /** What its engine says now; absent if it does not answer. */
  readonly engine?: {
    readonly containers: number
    readonly containersRunning: number
    readonly images: number
    readonly version: string
    /** By how much its clock is ahead of the manager's, in milliseconds; only as exact as the answer was quick. */
    readonly clockSkewMs: number
  }
}
