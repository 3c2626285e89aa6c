/**
 * What is wanted: services, networks and volumes of a project, as the compose folder produces them and the manager
 * stores them. Plain readonly data; every size is in bytes, every time in milliseconds, every CPU in billionths.
 */

import type { EngineOptions } from './engine-options.ts'

export type Protocol = 'tcp' | 'udp'

export interface PortSpec {
  readonly target: number
  /** Absent: a free port is chosen. */
  readonly published?: number
  readonly protocol: Protocol
  /** `ingress`: answered on every host for the whole service. `host`: only where the replica runs. */
  readonly mode: 'ingress' | 'host'
  readonly hostIp?: string
}

export interface HealthCheckSpec {
  /** Docker's form: `['CMD', …]`, `['CMD-SHELL', text]` or `['NONE']`. */
  readonly test: readonly string[]
  readonly intervalMs?: number
  readonly timeoutMs?: number
  readonly startPeriodMs?: number
  readonly startIntervalMs?: number
  readonly retries?: number
}

export interface MountSpec {
  readonly type: 'volume' | 'bind' | 'tmpfs'
  /** Volume: its cluster-wide name, absent if anonymous. Bind: an absolute path on the node. */
  readonly source?: string
  readonly target: string
  readonly readOnly?: boolean
  /** tmpfs only. */
  readonly sizeBytes?: number
  /** tmpfs only: of its root. */
  readonly mode?: number
  /** Bind only, as the two below: `rprivate`, `rshared`, … */
  readonly propagation?: string
  /** Make a directory where there is nothing. */
  readonly createSource?: boolean
  /** What becomes of mounts below: `enabled`, `disabled`, `writable` or `readonly`. */
  readonly recursive?: string
  /** Volume only, as the one below: do not fill it from the image. */
  readonly noCopy?: boolean
  /** A path in the volume, instead of all of it. */
  readonly subpath?: string
  /** Of a volume that is made for this container. */
  readonly labels?: Readonly<Record<string, string>>
}

/** A file or a tree of files that the cluster keeps, and that every node puts into the container, read-only. */
export interface FileSpec {
  /** `snapshot`: of a relative bind mount. A secret is never written to a disk. */
  readonly kind: 'secret' | 'config' | 'snapshot'
  /** For people: its name in the compose file, or the path it was taken from. */
  readonly name: string
  /** Which content: it is another one as soon as the content changes. */
  readonly id: string
  /** Absolute path in the container. */
  readonly target: string
  /** Of secrets and configs; absent: 0, 0 and 0444. */
  readonly uid?: number
  readonly gid?: number
  readonly mode?: number
}

export interface NetworkAttachment {
  /** The network's cluster-wide name (`project_default`). */
  readonly network: string
  /** Extra names; the service's name is always one. */
  readonly aliases: readonly string[]
}

/** How one container of a service is made. Names are compose's and Docker's, in camel case. */
export interface ContainerSpec {
  readonly image: string
  /**
   * Set for an image that was built for the project: exactly this one is meant, whatever a node has under the name
   * `image`. An image built anew has another id, so its service is rolled out.
   */
  readonly imageId?: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  /** May hold `{{.Node.Hostname}}`, `{{.Service.Name}}`, `{{.Task.Slot}}` and `{{.Task.Name}}`, filled in on the node. */
  readonly environment?: Readonly<Record<string, string>>
  readonly hostname?: string
  readonly domainname?: string
  readonly user?: string
  readonly workingDir?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly mounts?: readonly MountSpec[]
  /** Secrets, configs and files of the project. */
  readonly files?: readonly FileSpec[]
  readonly healthcheck?: HealthCheckSpec
  readonly stopSignal?: string
  readonly stopGraceMs?: number
  readonly init?: boolean
  readonly tty?: boolean
  readonly stdinOpen?: boolean
  readonly readOnly?: boolean
  readonly privileged?: boolean
  readonly capAdd?: readonly string[]
  readonly capDrop?: readonly string[]
  readonly extraHosts?: readonly string[]
  readonly dns?: readonly string[]
  readonly sysctls?: Readonly<Record<string, string>>
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> }
  /** `none` or `host`; absent: the service's networks. */
  readonly networkMode?: 'none' | 'host'
  readonly shmSizeBytes?: number
  /** Ports that are said to be there, and published nowhere: `53/udp`. */
  readonly expose?: readonly string[]
  /** Absent: pulled where it is missing. */
  readonly pullPolicy?: 'always' | 'never'
  /** Pulled anew, when a task begins, where that was so long ago. */
  readonly pullAfterMs?: number
  readonly engine?: EngineOptions
}

export interface Resources {
  readonly memoryBytes?: number
  readonly nanoCpus?: number
  readonly pids?: number
}

export interface RestartSpec {
  readonly condition: 'none' | 'on-failure' | 'any'
  readonly delayMs?: number
  readonly maxAttempts?: number
  /** A task that ran for so long was well: what happens to it then counts as its first failure. */
  readonly windowMs?: number
}

/** How replicas are replaced when their service changes; absent fields: one at a time, the old one stopped first. */
export interface UpdateSpec {
  /** So many at once; 0: all. */
  readonly parallelism?: number
  readonly order?: 'stop-first' | 'start-first'
  /** How long those replaced must have been well before the next are. */
  readonly delayMs?: number
  /** As long as this they are watched for failures; the longer of the two counts. */
  readonly monitorMs?: number
  /** What happens when more fail than `maxFailureRatio`, a share of the replicas, allows; absent: pause. */
  readonly failureAction?: 'pause' | 'continue'
  readonly maxFailureRatio?: number
}

export type DependencyCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully'

export interface DependencySpec {
  readonly service: string
  readonly condition: DependencyCondition
  readonly required: boolean
  /** Its tasks are replaced when those of the other service are. */
  readonly restart?: boolean
}

export interface ServiceSpec {
  /** Its name in the compose file (`web`). */
  readonly name: string
  /** Of a global service 1, or 0 while it is stopped. */
  readonly replicas: number
  /** `global`: one task on every node that may have it; absent: as many as `replicas`. */
  readonly mode?: 'global'
  /** So many on one node at most; absent: as many as there are. */
  readonly replicasPerNode?: number
  /** A key of constraints (`node.labels.zone`) over whose values replicas are spread. */
  readonly spreadOver?: string
  /** Of the service itself; its containers have their own. */
  readonly labels?: Readonly<Record<string, string>>
  readonly container: ContainerSpec
  readonly limits: Resources
  readonly reservations: Resources
  /** Placement constraints: `node.labels.disk == ssd`, `node.hostname != n1`. All must hold. */
  readonly constraints: readonly string[]
  readonly networks: readonly NetworkAttachment[]
  readonly ports: readonly PortSpec[]
  readonly restart: RestartSpec
  readonly update?: UpdateSpec
  readonly dependsOn: readonly DependencySpec[]
}

export interface NetworkSpec {
  /** Cluster-wide name (`project_default`). */
  readonly name: string
  /** The key in the compose file (`default`). */
  readonly key: string
  readonly external: boolean
  readonly internal: boolean
  /** Wanted subnet; absent: one is chosen. */
  readonly subnet?: string
  readonly labels: Readonly<Record<string, string>>
}

export interface VolumeSpec {
  /** Cluster-wide name (`project_data`). */
  readonly name: string
  readonly key: string
  readonly external: boolean
  readonly driver: string
  readonly driverOptions: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

/** Packed files by {@link FileSpec.id}, in base64. */
export type Contents = Readonly<Record<string, string>>

/** A whole Compose project, ready to be stored: everything is resolved, nothing refers to the client's files. */
export interface ProjectSpec {
  readonly name: string
  readonly services: readonly ServiceSpec[]
  readonly networks: readonly NetworkSpec[]
  readonly volumes: readonly VolumeSpec[]
  /** For people: where it was loaded from. */
  readonly workingDir?: string
  readonly configFiles?: readonly string[]
  /** What services need of the client's files. On its way to the manager only: it is kept apart, and shown to nobody. */
  readonly contents?: Contents
}
