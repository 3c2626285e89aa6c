import type { MemberRecord, NetworkRecord, NodeRecord, VolumeRecord } from '../../core/model/node.ts'
import type { ProjectSpec } from '../../core/model/service.ts'
import type { ServiceRecord, TaskRecord, TaskStatus } from '../../core/model/task.ts'
import type { CachedEntry } from '../../discovery/index.ts'

/** A record with the key and the revisions it was read at, which a write compares. */
export type Stored<T> = CachedEntry<T>

/** A project as it is stored. Key `projects/<name>`. */
export interface ProjectRecord extends ProjectSpec {
  /** Set once its removal was asked for; the manager finishes it in steps, whoever leads. */
  readonly removing?: { readonly volumes: boolean }
}

/** A volume as it is stored. `removing`: its data is to be deleted as soon as its node can be reached. */
export interface StoredVolume extends VolumeRecord {
  readonly removing?: boolean
}

/** All the manager knows of the cluster at one moment. */
export interface Snapshot {
  /** By node name: the hosts whose agents hold their lease. */
  readonly members: ReadonlyMap<string, Stored<MemberRecord>>
  readonly nodes: ReadonlyMap<string, Stored<NodeRecord>>
  readonly projects: ReadonlyMap<string, Stored<ProjectRecord>>
  /** By id, `<project>.<service>`. */
  readonly services: ReadonlyMap<string, Stored<ServiceRecord>>
  readonly networks: ReadonlyMap<string, Stored<NetworkRecord>>
  readonly volumes: ReadonlyMap<string, Stored<StoredVolume>>
  /** Every task by id, the unplaced ones included. */
  readonly tasks: ReadonlyMap<string, Stored<TaskRecord>>
  /** By task id. */
  readonly status: ReadonlyMap<string, Stored<TaskStatus>>
}

/** Name of a service's record: `shop.web`. */
export function serviceId(project: string, service: string): string {
  return `${project}.${service}`
}

/** What a manager knows before its first list. */
export const EMPTY_SNAPSHOT: Snapshot = {
  members: new Map(),
  nodes: new Map(),
  projects: new Map(),
  services: new Map(),
  networks: new Map(),
  volumes: new Map(),
  tasks: new Map(),
  status: new Map(),
}
