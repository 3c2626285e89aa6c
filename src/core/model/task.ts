import type { PlacementRecord } from './explanation.ts'
import type { RestartSpec, ServiceSpec } from './service.ts'

/**
 * States of a task, in order. They only go forward; a task that must start anew is replaced by a new task.
 *
 * `pending`: not placed, or placed and not yet seen by its agent. `preparing`: image, networks, volumes.
 * `starting`: container made. `running`: process runs (healthy or without a health check, or not yet healthy: see
 * {@link TaskStatus.health}). Terminal: `complete` (exit code 0), `failed`, `stopped` (we ended it), `orphaned` (its node is
 * gone and it was replaced).
 */
export const TASK_STATES = [
  'pending',
  'preparing',
  'starting',
  'running',
  'complete',
  'failed',
  'stopped',
  'orphaned',
] as const
export type TaskState = (typeof TASK_STATES)[number]

export function isTerminal(state: TaskState): boolean {
  return TASK_STATES.indexOf(state) >= TASK_STATES.indexOf('complete')
}

/** Whether a task may go from one state to another: never backwards, never out of a terminal state. */
export function mayAdvance(from: TaskState, to: TaskState): boolean {
  return !isTerminal(from) && TASK_STATES.indexOf(to) >= TASK_STATES.indexOf(from)
}

/** An assignment: immutable but for `desired`, which goes from `running` to `stopped` once. Key `tasks/<node>/<id>`. */
export interface TaskRecord {
  readonly id: string
  readonly project: string
  readonly serviceId: string
  /** The service's name in the project; the container's name is `<project>-<service>-<slot>`. */
  readonly service: string
  /** 1, 2, … */
  readonly slot: number
  /** The spec this task was made from, frozen. */
  readonly spec: ServiceSpec
  /** Hash of the parts of the spec that make replacing necessary when they change. */
  readonly specHash: string
  /** The node it is assigned to; absent while pending (key `tasks/-/<id>`). */
  readonly node?: string
  readonly desired: 'running' | 'stopped'
  /** Asked to leave its node for a less full one: it stops once a successor elsewhere is well. */
  readonly leaving?: boolean
  /** Election revision of the leader that wrote it: an agent never obeys an older token than it has seen. */
  readonly fencingToken: number
  readonly createdAtMs: number
  /** How its node was chosen. */
  readonly placement?: PlacementRecord
  /** While pending: why no node fits, one line a reason. */
  readonly pendingReasons?: readonly string[]
  /** How many times its slot was replaced because of failures, for the delay of the next replacement. */
  readonly failures: number
}

export type Health = 'none' | 'starting' | 'healthy' | 'unhealthy'

/** A line that a container printed. */
export interface PrintedLine {
  /** RFC 3339 with nanoseconds. */
  readonly time: string
  /** Without the line end. */
  readonly text: string
  readonly stream: 'stdout' | 'stderr'
}

/** The end of a run of a task's container that nobody asked for. */
export interface LastEnd {
  /** Absent: it was running again before anybody looked. */
  readonly exitCode?: number
  /** The last lines that it had printed by then, in order: they outlive the container. */
  readonly printed: readonly PrintedLine[]
}

/** What the agent observes of a task. Key `status/<node>/<id>`. */
export interface TaskStatus {
  readonly taskId: string
  readonly node: string
  readonly state: TaskState
  readonly health: Health
  /** It runs, and somebody has paused its container. */
  readonly paused?: true
  readonly containerId?: string
  /** What the container runs, the image's part included. */
  readonly command?: string
  readonly exitCode?: number
  /** Of its newest run that ended by itself, and badly or to be started again. */
  readonly lastEnd?: LastEnd
  readonly restarts: number
  /** Address on each network: `{ project_default: '10.1.0.5' }`. */
  readonly addresses: Readonly<Record<string, string>>
  /** Published ports that are bound on the node for this container. */
  readonly ports: readonly { readonly published: number; readonly target: number; readonly protocol: 'tcp' | 'udp' }[]
  /** The last error, a sentence with its cause. */
  readonly error?: string
  readonly startedAtMs?: number
  readonly finishedAtMs?: number
  readonly updatedAtMs: number
}

/** It runs, and is not unhealthy or still starting. */
export function isWell({ state, health }: Pick<TaskStatus, 'state' | 'health'>): boolean {
  return state === 'running' && health !== 'starting' && health !== 'unhealthy'
}

/** A service as the manager stores it. Key `services/<id>`, id `<project>.<name>`. */
export interface ServiceRecord {
  readonly id: string
  readonly project: string
  readonly spec: ServiceSpec
  readonly specHash: string
  /** The spec before the last change, for rollback. */
  readonly previous?: ServiceSpec
  /** The last change is on its way, and is taken back if it fails: `previous` has this hash. Absent once it has proved itself. */
  readonly rollsBackTo?: string
  /** The last change was taken back; gone with the next one. */
  readonly rolledBack?: {
    readonly because: string
    readonly atMs: number
    /** The last that a container printed whose failure had it taken back. */
    readonly printed?: readonly PrintedLine[]
  }
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export const DEFAULT_RESTART: RestartSpec = { condition: 'on-failure', delayMs: 1_000 }

/** A task's container name in the whole cluster. */
export function taskContainerName(task: Pick<TaskRecord, 'project' | 'service' | 'slot'>): string {
  return `${task.project}-${task.service}-${task.slot}`
}
