import type { Duplex, Readable } from 'node:stream'
import type { BuildCachePruned, BuildOptions, BuildPruneOptions } from './build-types.ts'
import type {
  ArchiveStream,
  CommitOptions,
  ContainerStats,
  ContainerUpdateRequest,
  FilesystemChange,
  PathStat,
  PruneReport,
  WriteArchiveOptions,
} from './container-file-types.ts'
import type {
  ContainerCreateRequest,
  ContainerInspect,
  ContainerSummary,
  EndpointConfig,
  ExecCreateRequest,
  ExecInspect,
} from './container-types.ts'
import type {
  DistributionInspect,
  ImageHistoryEntry,
  ImageRemoval,
  ImageSearchOptions,
  ImageSearchResult,
  ImagesPruned,
  ImportOptions,
  LoadOptions,
  LoginAnswer,
  PullOptions,
  PushOptions,
} from './image-types.ts'
import type {
  EngineEvent,
  ImageInspect,
  ImageSummary,
  NetworkCreateRequest,
  NetworkInspect,
  ProgressMessage,
  RegistryAuth,
  SystemInfo,
  VersionInfo,
  VolumeCreateRequest,
  VolumeInspect,
  VolumesPruned,
} from './resource-types.ts'

/** Docker's filters: `{ label: ['a=b'], name: ['web'] }`. */
export type Filters = Readonly<Record<string, readonly string[]>>

export interface EventOptions {
  /** Fractions count, to the microsecond. Absent, with `untilMs` absent too: from now on. */
  readonly sinceMs?: number
  readonly untilMs?: number
  readonly filters?: Filters
  /** Called when the reader is so far behind that events are lost to it: reading on throws. Not every engine can tell. */
  readonly onLost?: () => void
}

export interface EventStream extends AsyncIterable<EngineEvent> {
  /**
   * Once the first event was asked for: resolves when the engine has begun to answer, so that what happens from now on is told; rejects as
   * reading does. Absent: it has begun already.
   */
  readonly opened?: Promise<void>
}

/** One piece of a container's output. `time` is RFC 3339 with nanoseconds. */
export interface LogChunk {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Buffer
  readonly time: string
  /** What the log options attach: `label=value,tag=x`, escaped as in a query; may be empty. */
  readonly details?: string
}

export interface LogOptions {
  readonly stdout: boolean
  readonly stderr: boolean
  readonly follow: boolean
  /** Last lines only; absent: all. */
  readonly tail?: number
  /** Instants in nanoseconds since 1970; both included. */
  readonly sinceNano?: bigint
  readonly untilNano?: bigint
  /** Each chunk also has its `details`. */
  readonly details?: boolean
}

/**
 * A conversation with a process. With a tty `stream` carries raw bytes both ways; without one, what is read from it are
 * frames of Docker's multiplexed stream (8-byte header: stream, 0, 0, 0, length), and what is written is stdin.
 */
export interface AttachedStream {
  readonly stream: Duplex
  readonly tty: boolean
}

/** What is done with the files of a container, running or not. Paths are the container's own. */
export interface ContainerFileOperations {
  /** Throws 404 `Could not find the file x in container y`. */
  readonly statPath: (id: string, path: string) => Promise<PathStat>
  /** A tar of what lies at the path, named by the path's last component. The archive must be read to its end, or destroyed. */
  readonly readArchive: (
    id: string,
    path: string,
  ) => Promise<{ readonly stat: PathStat; readonly archive: ArchiveStream }>
  /** Unpacks a tar (plain, gzip or zstd) into a directory. Throws 404 without it, 400 if it may not be written to. */
  readonly writeArchive: (
    id: string,
    path: string,
    options: WriteArchiveOptions & { readonly archive: Readable; readonly signal: AbortSignal },
  ) => Promise<void>
  /** How the container's files differ from its image's. */
  readonly changes: (id: string) => Promise<readonly FilesystemChange[]>
  /** A tar of all files, without those of volumes. The archive must be read to its end, or destroyed. */
  readonly export: (id: string) => Promise<ArchiveStream>
  /** Makes an image of a container; resolves with its id. */
  readonly commit: (id: string, options: CommitOptions) => Promise<string>
}

export interface AttachOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  /** Begins with what the container has printed until now. */
  readonly logs: boolean
  /** Goes on with what it prints from now on. */
  readonly stream: boolean
  /** `ctrl-p,ctrl-q` unless given: leave a container's terminal without ending it. */
  readonly detachKeys?: string
}

export interface ContainerOperations extends ContainerFileOperations {
  readonly create: (
    request: ContainerCreateRequest,
    /** `platform` as `linux/arm64`: an image of another one is as good as none (404). */
    options: { readonly name?: string; readonly platform?: string },
  ) => Promise<{ readonly Id: string; readonly Warnings: readonly string[] }>
  readonly list: (options: {
    readonly all?: boolean
    readonly filters?: Filters
    readonly limit?: number
    /** Also measure the files of each container, which takes time. */
    readonly size?: boolean
    /** Also tell what a manager wants to know of each. Docker's own engines do not. */
    readonly details?: boolean
  }) => Promise<readonly ContainerSummary[]>
  readonly inspect: (id: string, options?: { readonly size?: boolean }) => Promise<ContainerInspect>
  /** Resolves false if it already ran. */
  readonly start: (id: string) => Promise<boolean>
  /** Sends the stop signal, then SIGKILL after the grace. Resolves false if it was not running. */
  readonly stop: (id: string, options: { readonly timeoutMs?: number; readonly signal?: string }) => Promise<boolean>
  readonly kill: (id: string, signal: string) => Promise<void>
  readonly restart: (id: string, options: { readonly timeoutMs?: number; readonly signal?: string }) => Promise<void>
  readonly pause: (id: string) => Promise<void>
  readonly unpause: (id: string) => Promise<void>
  readonly rename: (id: string, name: string) => Promise<void>
  readonly remove: (id: string, options: { readonly force?: boolean; readonly volumes?: boolean }) => Promise<void>
  readonly wait: (
    id: string,
    options: { readonly condition: 'not-running' | 'next-exit' | 'removed' },
    signal: AbortSignal,
  ) => Promise<{ readonly StatusCode: number }>
  readonly logs: (id: string, options: LogOptions, signal: AbortSignal) => AsyncIterable<LogChunk>
  readonly attach: (id: string, options: AttachOptions) => Promise<AttachedStream>
  readonly resize: (id: string, size: { readonly height: number; readonly width: number }) => Promise<void>
  /** With arguments for `ps` its columns; otherwise those of `ps -ef`. */
  readonly top: (
    id: string,
    options?: { readonly psArgs?: string },
  ) => Promise<{ readonly Titles: readonly string[]; readonly Processes: readonly (readonly string[])[] }>
  /** Changes limits and the restart policy, at once if the container runs. */
  readonly update: (id: string, request: ContainerUpdateRequest) => Promise<{ readonly Warnings: readonly string[] }>
  /** Removes all containers that do not run. Filters: `label`, `label!`, `until`. */
  readonly prune: (options: { readonly filters?: Filters }) => Promise<PruneReport>
  /** A sample a second until the container is removed or the signal aborted; without `stream` only one. */
  readonly stats: (
    id: string,
    options: { readonly stream: boolean; readonly oneShot?: boolean },
    signal: AbortSignal,
  ) => AsyncIterable<ContainerStats>
}

export interface ExecStartOptions {
  readonly detach: boolean
  /** The output is raw; whether the command has a terminal is said at its creation. */
  readonly tty: boolean
  /** First size of the terminal. */
  readonly size?: { readonly height: number; readonly width: number }
}

export interface ExecOperations {
  readonly create: (containerId: string, request: ExecCreateRequest) => Promise<{ readonly Id: string }>
  /** With `detach` resolves undefined once the process runs. */
  readonly start: (execId: string, options: ExecStartOptions) => Promise<AttachedStream | undefined>
  readonly inspect: (execId: string) => Promise<ExecInspect>
  readonly resize: (execId: string, size: { readonly height: number; readonly width: number }) => Promise<void>
}

export type { BuildCachePruned, BuildHostConfig, BuildOptions, BuildPruneOptions } from './build-types.ts'

export interface ImageOperations {
  /** Resolves with the image's id; reports progress on the way. */
  readonly pull: (reference: string, options: PullOptions, signal: AbortSignal) => Promise<string>
  readonly push: (reference: string, options: PushOptions, signal: AbortSignal) => Promise<void>
  /** `sharedSize` measures what each image shares with others, and `SharedSize` is -1 without it. */
  readonly list: (options: {
    readonly filters?: Filters
    readonly sharedSize?: boolean
    /** Also the steps of builds: nameless images that others were made from. */
    readonly all?: boolean
  }) => Promise<readonly ImageSummary[]>
  readonly inspect: (reference: string) => Promise<ImageInspect>
  readonly history: (reference: string) => Promise<readonly ImageHistoryEntry[]>
  readonly tag: (reference: string, target: string) => Promise<void>
  readonly remove: (
    reference: string,
    options: { readonly force?: boolean; readonly noprune?: boolean },
  ) => Promise<readonly ImageRemoval[]>
  /** Removes images that no container uses: those without a name, or with the filter `dangling=false` all of them. */
  readonly prune: (options: { readonly filters?: Filters }) => Promise<ImagesPruned>
  /** A tar that `load` and `docker load` read. */
  readonly save: (references: readonly string[]) => Promise<Readable>
  /** Resolves with the references (or ids) that were loaded. */
  readonly load: (archive: Readable, signal: AbortSignal, options?: LoadOptions) => Promise<readonly string[]>
  /** Makes an image of a tar of a root file system, or of the one behind a URL; resolves with its id. */
  readonly import: (source: Readable | URL, options: ImportOptions, signal: AbortSignal) => Promise<string>
  /** Repositories of a registry whose name has a word in it; `host:port/word` says which registry. */
  readonly search: (
    term: string,
    options: ImageSearchOptions,
    signal: AbortSignal,
  ) => Promise<readonly ImageSearchResult[]>
  /** What the registry has under a name now. */
  readonly distribution: (
    reference: string,
    options: { readonly auth?: RegistryAuth },
    signal: AbortSignal,
  ) => Promise<DistributionInspect>
  /** Shows credentials to the registry `serveraddress`. Throws 401 if it refuses them. */
  readonly login: (auth: RegistryAuth, signal: AbortSignal) => Promise<LoginAnswer>
  /** Builds from a tar of the context; resolves with the image's id. */
  readonly build: (
    context: Readable,
    options: BuildOptions,
    onProgress: (message: ProgressMessage) => void,
    signal: AbortSignal,
  ) => Promise<string>
  /** Forgets what builds keep for the next ones: results of steps that no image has, and cache mounts. */
  readonly pruneBuildCache: (options: BuildPruneOptions) => Promise<BuildCachePruned>
}

export interface NetworkOperations {
  readonly create: (request: NetworkCreateRequest) => Promise<{ readonly Id: string; readonly Warning: string }>
  readonly list: (options: { readonly filters?: Filters }) => Promise<readonly NetworkInspect[]>
  readonly inspect: (id: string) => Promise<NetworkInspect>
  readonly remove: (id: string) => Promise<void>
  readonly connect: (id: string, container: string, endpoint: EndpointConfig) => Promise<void>
  readonly disconnect: (id: string, container: string, options: { readonly force?: boolean }) => Promise<void>
  /** Removes the networks that nobody uses; resolves with their names. Filters: `label`, `label!`, `until`. */
  readonly prune: (options: { readonly filters?: Filters }) => Promise<readonly string[]>
}

export interface VolumeOperations {
  readonly create: (request: VolumeCreateRequest) => Promise<VolumeInspect>
  /** With `size` every volume has its UsageData. */
  readonly list: (options: { readonly filters?: Filters; readonly size?: boolean }) => Promise<readonly VolumeInspect[]>
  readonly inspect: (name: string) => Promise<VolumeInspect>
  readonly remove: (name: string, options: { readonly force?: boolean }) => Promise<void>
  /** Removes volumes that no container uses: those without a name, or with the filter `all=true` every one. */
  readonly prune: (options: { readonly filters?: Filters }) => Promise<VolumesPruned>
}

/**
 * A single-host container engine. Two implementations: the embedded runtime, and a client of any Docker Engine API.
 *
 * `id` arguments are an id, a unique prefix of one, or a name. Failures are ShoalErrors with Docker's status codes and
 * messages (`No such container: x` is 404, a taken name or port 409).
 */
export interface Engine {
  readonly info: () => Promise<SystemInfo>
  readonly version: () => Promise<VersionInfo>
  /** Events from the call on (or from `sinceMs`), until the signal is aborted or `untilMs`. */
  readonly events: (options: EventOptions, signal: AbortSignal) => EventStream
  readonly containers: ContainerOperations
  readonly exec: ExecOperations
  readonly images: ImageOperations
  readonly networks: NetworkOperations
  readonly volumes: VolumeOperations
}
