import { conflict } from '../../core/errors.ts'
import type { PlanStep } from '../../core/model/control-api.ts'
import type { NetworkRecord } from '../../core/model/node.ts'
import type { NetworkSpec, ProjectSpec, ServiceSpec, VolumeSpec } from '../../core/model/service.ts'
import type { ServiceRecord } from '../../core/model/task.ts'
import { type ProjectRecord, type Snapshot, type Stored, type StoredVolume, serviceId } from '../model/snapshot.ts'
import { type AddressPool, allocateNetwork, takenIn } from './allocate-network.ts'
import { differences } from './differences.ts'
import { replacedServices } from './replaced-services.ts'
import { specHashOf } from './spec-hash.ts'

/** A record to write over `before`, or to make anew, or (without `value`) to delete. */
export interface RecordWrite<T = unknown> {
  readonly before: Stored<T> | undefined
  readonly value: T | undefined
}

export interface ProjectPlan {
  readonly steps: readonly PlanStep[]
  readonly warnings: readonly string[]
  readonly project: RecordWrite<ProjectRecord> | undefined
  readonly networks: readonly RecordWrite<NetworkRecord>[]
  readonly volumes: readonly RecordWrite<StoredVolume>[]
  readonly services: readonly RecordWrite<ServiceRecord>[]
}

export interface PlanOptions {
  readonly nowMs: number
  readonly pool: AddressPool
  /**
   * Whose tasks to replace although the spec is the same: all (`true`), or those of the named services. The salt makes their
   * hash another one.
   */
  readonly forced?: { readonly services: true | readonly string[]; readonly salt: string }
  /** Remove services that the project no longer names. */
  readonly removeOrphans: boolean
}

/** What applying `desired` would change, as steps for people and as records to write. Touches nothing. */
export function planProject(desired: ProjectSpec, snapshot: Snapshot, options: PlanOptions): ProjectPlan {
  const before = snapshot.projects.get(desired.name)
  const networks = planNetworks(desired, snapshot, options.pool)
  const volumes = desired.volumes.map(volume => planVolume(volume, desired.name, snapshot))
  const replaced = replacedServices(desired, snapshot, options.forced?.services ?? [])
  const services = desired.services.map(service =>
    planService(service, { project: desired.name, snapshot, options, replaced }),
  )
  const orphans = orphansOf(desired, snapshot)
  const removed = options.removeOrphans ? orphans.map(removeOrphan) : []
  const parts = [...networks, ...volumes, ...services, ...removed]
  const warnings =
    removed.length > 0 || orphans.length === 0
      ? []
      : [
          `Services ${orphans.map(({ value }) => value.spec.name).join(', ')} are no longer in project ${desired.name} and keep running; use --remove-orphans to remove them`,
        ]
  const isSame = before !== undefined && differences(before.value, desired).length === 0
  return {
    steps: parts.map(part => part.step),
    warnings,
    project: isSame ? undefined : { before, value: desired },
    networks: writesOf(networks),
    volumes: writesOf(volumes),
    services: writesOf([...services, ...removed]),
  }
}

interface Planned<T> {
  readonly step: PlanStep
  readonly write?: RecordWrite<T>
}

function writesOf<T>(parts: readonly Planned<T>[]): RecordWrite<T>[] {
  return parts.flatMap(({ write }) => (write === undefined ? [] : [write]))
}

function planNetworks(desired: ProjectSpec, snapshot: Snapshot, pool: AddressPool): Planned<NetworkRecord>[] {
  const taken = takenIn(snapshot)
  const networks = [...taken.networks]
  return desired.networks.map((spec): Planned<NetworkRecord> => {
    const known = snapshot.networks.get(spec.name)
    const keep: PlanStep = { action: 'keep', kind: 'network', name: spec.name }
    if (known !== undefined) {
      if (!spec.external) checkSameNetwork(spec, known.value)
      return { step: keep }
    }
    const record = networkRecord(spec, desired.name, allocateNetwork(spec, { ...taken, networks }, pool))
    networks.push(record)
    return { step: { ...keep, action: 'create' }, write: { before: undefined, value: record } }
  })
}

function networkRecord(
  { name, internal, labels }: NetworkSpec,
  project: string,
  place: { vni: number; subnet: string },
): NetworkRecord {
  return { name, project, ...place, internal, labels }
}

function checkSameNetwork(spec: NetworkSpec, known: NetworkRecord): void {
  const differs = (spec.subnet !== undefined && spec.subnet !== known.subnet) || spec.internal !== known.internal
  if (!differs) return
  throw conflict(
    'NETWORK_DIFFERS',
    `Cannot change network ${spec.name}: it exists with subnet ${known.subnet}${known.internal ? ', internal' : ''}; take the project down first`,
  )
}

function planVolume(spec: VolumeSpec, project: string, snapshot: Snapshot): Planned<StoredVolume> {
  const step: PlanStep = { action: 'keep', kind: 'volume', name: spec.name }
  if (snapshot.volumes.has(spec.name)) return { step }
  const { name, driver, driverOptions, labels } = spec
  return {
    step: { ...step, action: 'create' },
    write: { before: undefined, value: { name, project, driver, driverOptions, labels } },
  }
}

interface ServicePlanning {
  readonly project: string
  readonly snapshot: Snapshot
  readonly options: PlanOptions
  readonly replaced: ReturnType<typeof replacedServices>
}

function planService(
  spec: ServiceSpec,
  { project, snapshot, options: { nowMs, forced }, replaced }: ServicePlanning,
): Planned<ServiceRecord> {
  const id = serviceId(project, spec.name)
  const before = snapshot.services.get(id)
  const step = { kind: 'service', name: spec.name } as const
  const base = { id, project, spec, updatedAtMs: nowMs }
  if (before === undefined) {
    const value = { ...base, specHash: specHashOf(spec), createdAtMs: nowMs }
    return { step: { ...step, action: 'create' }, write: { before, value } }
  }
  const { changed = [], because = [], anew = false } = replaced.get(spec.name) ?? {}
  const scaled = before.value.spec.replicas !== spec.replicas
  const write = (specHash: string): RecordWrite<ServiceRecord> => ({
    before,
    value: {
      ...historyOf(before.value, { spec, isChanged: changed.length > 0, isAnew: because.length > 0 }),
      ...base,
      specHash,
    },
  })
  if (because.length > 0) {
    const salt = anew ? (forced?.salt ?? `${before.value.specHash} ${nowMs}`) : undefined
    return { step: { ...step, action: 'update', because }, write: write(specHashOf(spec, salt)) }
  }
  const { specHash } = before.value
  if (scaled) {
    const because = [`replicas ${before.value.spec.replicas} -> ${spec.replicas}`]
    return { step: { ...step, action: 'scale', because }, write: write(specHash) }
  }
  // Only its dependencies may differ: worth storing, nothing to say.
  const isSame = differences(before.value.spec, spec).length === 0
  return { step: { ...step, action: 'keep' }, ...(isSame ? {} : { write: write(specHash) }) }
}

/** What a service's record tells of it besides its spec, once the spec is another one. */
function historyOf(
  before: ServiceRecord,
  { spec, isChanged, isAnew }: { readonly spec: ServiceSpec; readonly isChanged: boolean; readonly isAnew: boolean },
): ServiceRecord {
  if (!isAnew) return before
  const { rollsBackTo, rolledBack: _over, ...kept } = before
  if (!isChanged) return kept
  // A change that has not proved itself is nothing to go back to.
  const [previous, hash] =
    rollsBackTo !== undefined && before.previous !== undefined
      ? [before.previous, rollsBackTo]
      : [before.spec, before.specHash]
  return { ...kept, previous, ...(spec.update?.failureAction === 'rollback' ? { rollsBackTo: hash } : {}) }
}

function orphansOf(desired: ProjectSpec, snapshot: Snapshot): Stored<ServiceRecord>[] {
  const wanted = new Set(desired.services.map(service => service.name))
  return [...snapshot.services.values()].filter(
    ({ value }) => value.project === desired.name && !wanted.has(value.spec.name),
  )
}

function removeOrphan(before: Stored<ServiceRecord>): Planned<ServiceRecord> {
  return {
    step: { action: 'remove', kind: 'service', name: before.value.spec.name },
    write: { before, value: undefined },
  }
}
