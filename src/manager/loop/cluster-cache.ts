import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { MemberRecord, NetworkRecord, NodeRecord } from '../../core/model/node.ts'
import type { ServiceRecord, TaskRecord, TaskStatus } from '../../core/model/task.ts'
import {
  CachedPrefix,
  type ClusterKeys,
  type Codec,
  memberCodec,
  networkCodec,
  nodeCodec,
  projectCodec,
  type Store,
  serviceCodec,
  taskCodec,
  taskStatusCodec,
  volumeCodec,
} from '../../discovery/index.ts'
import type { ProjectRecord, Snapshot, Stored, StoredVolume } from '../model/snapshot.ts'

interface CachePorts {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly clock: Clock
  readonly log: Log
}

/** The records the manager decides from, each kind listed and watched. */
export class ClusterCache {
  readonly #keys: ClusterKeys
  #snapshot: Snapshot | undefined
  readonly members: CachedPrefix<MemberRecord>
  readonly nodes: CachedPrefix<NodeRecord>
  readonly projects: CachedPrefix<ProjectRecord>
  readonly services: CachedPrefix<ServiceRecord>
  readonly networks: CachedPrefix<NetworkRecord>
  readonly volumes: CachedPrefix<StoredVolume>
  readonly tasks: CachedPrefix<TaskRecord>
  readonly status: CachedPrefix<TaskStatus>
  /** For each prefix, the newest revision at which we wrote there ourselves. */
  readonly #floors = new Map<string, number>()
  readonly #closing = new AbortController()

  constructor({ store, keys, clock, log }: CachePorts) {
    const cached = <T>(prefix: string, codec: Codec<T>): CachedPrefix<T> =>
      new CachedPrefix({ store, prefix, codec, clock, log })
    this.#keys = keys
    this.members = cached(keys.members, memberCodec)
    this.nodes = cached(keys.nodes, nodeCodec)
    this.projects = cached(keys.projects, projectCodec as Codec<ProjectRecord>)
    this.services = cached(keys.services, serviceCodec)
    this.networks = cached(keys.networks, networkCodec)
    this.volumes = cached(keys.volumes, volumeCodec as Codec<StoredVolume>)
    this.tasks = cached(keys.tasks, taskCodec)
    this.status = cached(keys.status, taskStatusCodec)
    this.onChange(() => (this.#snapshot = undefined))
  }

  async ready(signal?: AbortSignal): Promise<void> {
    await Promise.all(this.#all().map(([, cache]) => cache.ready(signal)))
  }

  onChange(listener: () => void): () => void {
    const stops = this.#all().map(([, cache]) => cache.onChange(listener))
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** The same object until something changes. */
  snapshot(): Snapshot {
    this.#snapshot ??= this.#copy()
    return this.#snapshot
  }

  #copy(): Snapshot {
    return {
      members: byName(this.members),
      nodes: byName(this.nodes),
      projects: byName(this.projects),
      services: indexed(this.services, ({ id }) => id),
      networks: byName(this.networks),
      volumes: byName(this.volumes),
      tasks: indexed(this.tasks, ({ id }) => id),
      status: indexed(this.status, ({ taskId }) => taskId),
    }
  }

  /** Remembers our own write, so that nothing is decided before it is seen. */
  readonly wrote = (keys: readonly string[], revision: number): void => {
    for (const [prefix] of this.#all()) {
      if (!keys.some(key => key.startsWith(prefix))) continue
      this.#floors.set(prefix, Math.max(revision, this.#floors.get(prefix) ?? 0))
    }
  }

  /** Whether everything we wrote ourselves has come back to us. */
  isCurrent(): boolean {
    return this.#all().every(([prefix, cache]) => cache.revision >= (this.#floors.get(prefix) ?? 0))
  }

  /** Resolves once {@link isCurrent}. */
  current(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.isCurrent(), signal)
  }

  /** Resolves once members of this revision are known; at once if this is closed before that. */
  async reached(revision: number): Promise<void> {
    await this.#until(() => this.members.revision >= revision, this.#closing.signal).catch(() => {})
  }

  async #until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    while (!holds()) {
      signal.throwIfAborted()
      const changed = Promise.withResolvers<void>()
      const stop = this.onChange(() => changed.resolve())
      const onAbort = (): void => changed.resolve()
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        await changed.promise
      } finally {
        stop()
        signal.removeEventListener('abort', onAbort)
      }
    }
  }

  close(): void {
    this.#closing.abort()
    for (const [, cache] of this.#all()) cache.close()
  }

  #all(): (readonly [string, CachedPrefix<unknown>])[] {
    const keys = this.#keys
    const caches: (readonly [string, unknown])[] = [
      [keys.members, this.members],
      [keys.nodes, this.nodes],
      [keys.projects, this.projects],
      [keys.services, this.services],
      [keys.networks, this.networks],
      [keys.volumes, this.volumes],
      [keys.tasks, this.tasks],
      [keys.status, this.status],
    ]
    return caches as (readonly [string, CachedPrefix<unknown>])[]
  }
}

function byName<T extends { readonly name: string }>(cache: CachedPrefix<T>): ReadonlyMap<string, Stored<T>> {
  return indexed(cache, ({ name }) => name)
}

function indexed<T>(cache: CachedPrefix<T>, keyOf: (value: T) => string): ReadonlyMap<string, Stored<T>> {
  const map = new Map<string, Stored<T>>()
  for (const entry of cache.entries()) map.set(keyOf(entry.value), entry)
  return map
}
