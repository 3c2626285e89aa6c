import type { ContainerConfig, EndpointConfig, HealthState, HostConfig } from '../../docker-api/index.ts'
import type { ProcessIdentity } from '../linux/process/process-identity.ts'
import type { PreparedMount } from '../ports.ts'

/** How the last run of a container ended. */
export interface EndedRun {
  readonly startedAtMs: number
  readonly finishedAtMs: number
  readonly exitCode: number
  readonly oomKilled: boolean
  /** Why it could not start, or what went wrong around it; empty if nothing did. */
  readonly error: string
}

/**
 * Where a container is in its life, as its record on disk says it. `creating`, `starting` and `removing` are intents:
 * found after a crash, they are undone, undone or finished, and finished.
 */
export type Life =
  | { readonly status: 'creating' }
  | { readonly status: 'idle' }
  /** `again`: by its restart policy. */
  | { readonly status: 'starting'; readonly again?: true }
  | {
      readonly status: 'running'
      readonly process: ProcessIdentity
      readonly monitor: ProcessIdentity
      readonly startedAtMs: number
      readonly paused: boolean
    }
  /** Waiting for its next run. */
  | { readonly status: 'restarting'; readonly dueAtMs: number }
  | { readonly status: 'removing'; readonly anonymousVolumes: boolean }

export type RunningLife = Extract<Life, { status: 'running' }>

/** Everything the engine knows about a container; one JSON file on disk. */
export interface ContainerRecord {
  readonly id: string
  /** Without a leading slash. */
  readonly name: string
  readonly createdMs: number
  readonly imageId: string
  readonly imageName: string
  /** Image and request merged. */
  readonly config: ContainerConfig
  readonly host: HostConfig
  readonly hostname: string
  /** HostConfig.NetworkMode, with `container:` naming a full id. */
  readonly networkMode: string
  readonly endpoints: Readonly<Record<string, EndpointConfig>>
  readonly mounts: readonly PreparedMount[]
  readonly life: Life
  readonly lastRun?: EndedRun
  readonly restartCount: number
  readonly restartDelayMs: number
  readonly stoppedByHand: boolean
  /** Volumes hold the image's content already. */
  readonly copiedUp: boolean
  readonly health?: HealthState
}

export function isRunning(record: ContainerRecord): record is ContainerRecord & { readonly life: RunningLife } {
  return record.life.status === 'running'
}
