import type { Clock, Timer } from '../../core/clock.ts'
import type { KeyedLock } from '../../core/keyed-lock.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { EventBus } from '../events/index.ts'
import type { CgroupLayout } from '../linux/process/cgroups.ts'
import type { ContainerMounts, ContainerRoots, ImageCommits, NetworkSandboxes } from '../ports.ts'
import type { AttachStream } from './attach/attach-stream.ts'
import type { ParkedSockets } from './attach/parked-sockets.ts'
import type { ContainerDefaults } from './container-defaults.ts'
import type { ContainerTable } from './container-table.ts'
import type { EnginePaths } from './engine-paths.ts'
import type { HealthMonitor } from './health/index.ts'
import type { HostFacts } from './host/index.ts'
import type { OomWatch } from './life/oom-watch.ts'
import type { Waiters } from './life/waiters.ts'
import type { LogRotator } from './logs/index.ts'
import type { Conmon } from './monitor/conmon.ts'
import type { ExitFiles } from './monitor/exit-files.ts'
import type { OciRuntime } from './monitor/oci-runtime.ts'
import type { ContainerRecord } from './record.ts'

/**
 * What the operations on containers share. One operation at a time changes a container: it runs under `locks` with the
 * container's id. Nothing that waits for a container to end holds its lock.
 */
export interface Room {
  readonly paths: EnginePaths
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly table: ContainerTable
  readonly locks: KeyedLock
  readonly runtime: OciRuntime
  readonly conmon: Conmon
  readonly exits: ExitFiles
  readonly events: EventBus
  readonly waiters: Waiters
  readonly health: HealthMonitor
  readonly rotator: LogRotator
  readonly oom: OomWatch
  readonly roots: ContainerRoots
  readonly sandboxes: NetworkSandboxes
  readonly mounts: ContainerMounts
  readonly commits: ImageCommits
  readonly cgroups: CgroupLayout
  readonly cgroupParent: string
  /** Called when a container is about to be started. */
  readonly hastenMove: () => void
  readonly facts: HostFacts
  readonly defaults: ContainerDefaults
  /** Clients that attached before the container started. */
  readonly attaching: Map<string, Set<AttachStream>>
  /** Connections to monitors that nobody uses and that must not end. */
  readonly parked: ParkedSockets
  /** Aborted when a container's run has ended and its log is complete. */
  readonly runs: Map<string, AbortController>
  /** Roots that are mounted for somebody who copies from or to them: id -> how many. */
  readonly rootUses: Map<string, number>
  /** Restarts that policies have decided on. */
  readonly restarts: Map<string, Timer>
  /** Aborted when the engine closes: nothing new begins then. */
  readonly closing: AbortSignal
}

/** Tells the event stream what happened to a container. */
export function emitContainer(
  { events }: Pick<Room, 'events'>,
  record: ContainerRecord,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const Attributes = { ...record.config.Labels, image: record.imageName, name: record.name, ...attributes }
  events.emit('container', action, { ID: record.id, Attributes })
}
