import type { Duplex, Readable } from 'node:stream'
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
  TransferOptions,
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
} from './resource-types.ts'

/** Docker's filters: `{ label: ['a=b'], name: ['web'] }`. */
export type Filters = Readonly<Record<string, readonly string[]>>

/** One piece of a container's output. `time` is RFC 3339 with nanoseconds. */
export interface LogChunk {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Buffer
  readonly time: string
}

export interface LogOptions {
  readonly stdout: boolean
  readonly stderr: boolean
  readonly follow: boolean
  /** Last lines only; absent: all. */
  readonly tail?: number
  readonly sinceMs?: number
  readonly untilMs?: number
}

/**
 * A conversation with a process. With a tty `stream` carries raw bytes both ways; without one, what is read from it are
 * frames of Docker's multiplexed stream (8-byte header: stream, 0, 0, 0, length), and what is written is stdin.
 */
export interface AttachedStream {
  readonly stream: Duplex
  readonly tty: boolean
}

export interface ContainerOperations {
  readonly create: (
    request: ContainerCreateRequest,
    options: { readonly name?: string },
  ) => Promise<{ readonly Id: string; readonly Warnings: readonly string[] }>
  readonly list: (options: {
    readonly all?: boolean
    readonly filters?: Filters
    readonly limit?: number
  }) => Promise<readonly ContainerSummary[]>
  readonly inspect: (id: string) => Promise<ContainerInspect>
  /** Resolves false if it already ran. */
  readonly start: (id: string) => Promise<boolean>
  /** Sends the stop signal, then SIGKILL after the grace. Resolves false if it was not running. */
  readonly stop: (id: string, options: { readonly timeoutMs?: number; readonly signal?: string }) => Promise<boolean>
  readonly kill: (id: string, signal: string) => Promise<void>
  readonly restart: (id: string, options: { readonly timeoutMs?: number }) => Promise<void>
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
  readonly attach: (
    id: string,
    options: {
      readonly stdin: boolean
      readonly stdout: boolean
      readonly stderr: boolean
      readonly logs: boolean
      readonly stream: boolean
    },
  ) => Promise<AttachedStream>
  readonly resize: (id: string, size: { readonly height: number; readonly width: number }) => Promise<void>
  readonly top: (
    id: string,
  ) => Promise<{ readonly Titles: readonly string[]; readonly Processes: readonly (readonly string[])[] }>
}

export interface ExecOperations {
  readonly create: (containerId: string, request: ExecCreateRequest) => Promise<{ readonly Id: string }>
  /** With `detach` resolves undefined once the process runs. */
  readonly start: (
    execId: string,
    options: { readonly detach: boolean; readonly tty: boolean },
  ) => Promise<AttachedStream | undefined>
  readonly inspect: (execId: string) => Promise<ExecInspect>
  readonly resize: (execId: string, size: { readonly height: number; readonly width: number }) => Promise<void>
}

export interface BuildOptions {
  readonly tags: readonly string[]
  readonly dockerfile: string
  readonly target?: string
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly noCache: boolean
  readonly pull: boolean
}

export interface ImageOperations {
  /** Resolves with the image's id; reports progress on the way. */
  readonly pull: (reference: string, options: PullOptions, signal: AbortSignal) => Promise<string>
  readonly push: (reference: string, options: TransferOptions, signal: AbortSignal) => Promise<void>
  /** `sharedSize` measures what each image shares with others, and `SharedSize` is -1 without it. */
  readonly list: (options: {
    readonly filters?: Filters
    readonly sharedSize?: boolean
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
  readonly list: (options: { readonly filters?: Filters }) => Promise<readonly VolumeInspect[]>
  readonly inspect: (name: string) => Promise<VolumeInspect>
  readonly remove: (name: string, options: { readonly force?: boolean }) => Promise<void>
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
  /** Events from now on (or `sinceMs`), until the signal is aborted. */
  readonly events: (
    options: { readonly sinceMs?: number; readonly untilMs?: number; readonly filters?: Filters },
    signal: AbortSignal,
  ) => AsyncIterable<EngineEvent>
  readonly containers: ContainerOperations
  readonly exec: ExecOperations
  readonly images: ImageOperations
  readonly networks: NetworkOperations
  readonly volumes: VolumeOperations
}
