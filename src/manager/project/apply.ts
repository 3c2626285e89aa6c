import type { Clock } from '../../core/clock.ts'
import { conflict, notFound } from '../../core/errors.ts'
import type { ApplyResult } from '../../core/model/control-api.ts'
import type { ProjectSpec } from '../../core/model/service.ts'
import { newShortId, type Random } from '../../core/random.ts'
import type { ClusterKeys, Compare, Store } from '../../discovery/index.ts'
import { batches } from '../loop/batches.ts'
import { type Transaction, unchanged } from '../loop/transactions.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { AddressPool } from './allocate-network.ts'
import { dropUnusedFiles, keepFiles } from './kept-files.ts'
import { type ProjectPlan, planProject, type RecordWrite } from './plan-project.ts'
import { removalSteps } from './plan-removal.ts'
import { resolvePorts } from './resolve-ports.ts'
import { type CheckConstraint, validateProject } from './validate-project.ts'

export interface ApplyOptions {
  readonly dryRun: boolean
  /** Replace tasks even if nothing changed: of all services, or of those that are named. */
  readonly forceRecreate: boolean | readonly string[]
  readonly removeOrphans: boolean
}

export interface ApplyPorts {
  readonly store: Pick<Store, 'get' | 'list'>
  readonly keys: ClusterKeys
  readonly clock: Clock
  readonly random: Random
  readonly pool: AddressPool
  readonly checkConstraint: CheckConstraint
  readonly snapshot: () => Snapshot
  /** Writes under the leader's fence and resolves once the write is seen; false if a condition did not hold. */
  readonly write: (transaction: Transaction) => Promise<boolean>
}

/** The store refused because somebody changed a record meanwhile: so often we plan anew. */
const TRIES = 5

/** Makes `desired` the wanted state of its project. Validates all of it before anything is written. */
export async function applyProject(
  desired: ProjectSpec,
  options: ApplyOptions,
  ports: ApplyPorts,
): Promise<ApplyResult> {
  let kept: ProjectSpec | undefined
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const snapshot = ports.snapshot()
    validateProject(desired, snapshot, ports.checkConstraint)
    kept ??= await keepFiles(desired, options, ports)
    const plan = planProject(resolvePorts(kept, snapshot), snapshot, {
      nowMs: ports.clock.nowMs(),
      pool: ports.pool,
      removeOrphans: options.removeOrphans,
      ...(options.forceRecreate === false
        ? {}
        : { forced: { services: options.forceRecreate, salt: newShortId(ports.random) } }),
    })
    if (options.dryRun || (await writeInOrder(planTransaction(plan, ports.keys), ports.write))) {
      if (!options.dryRun && plan.services.length > 0) await dropUnusedFiles(desired.name, ports.snapshot(), ports)
      return { ...resultOf(desired.name, plan.steps), ...(plan.warnings.length > 0 ? { warnings: plan.warnings } : {}) }
    }
  }
  throw busy(desired.name)
}

/** Marks a project for removal; the control loop does the rest, step by step. */
export async function removeProject(
  name: string,
  options: { readonly volumes: boolean; readonly dryRun: boolean },
  ports: Pick<ApplyPorts, 'snapshot' | 'write' | 'keys'>,
): Promise<ApplyResult> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const snapshot = ports.snapshot()
    const project = snapshot.projects.get(name)
    const steps = removalSteps(name, snapshot, options)
    const result = { ...resultOf(name, steps), ...leftAway(steps, snapshot) }
    // Volumes outlive their project, and go by its name once that is asked for.
    if (project === undefined && !result.changed) throw notFound('NO_SUCH_PROJECT', `No such project: ${name}`)
    const volumes = options.volumes || project?.value.removing?.volumes === true
    const value = JSON.stringify({ ...(project?.value ?? emptyProject(name)), removing: { volumes } })
    const key = ports.keys.project(name)
    const compare: Compare = project === undefined ? { key, exists: false } : unchanged(project)
    if (options.dryRun || (await ports.write({ compares: [compare], operations: [{ put: key, value }] }))) {
      return { ...result, changed: true }
    }
  }
  throw busy(name)
}

/** Hosts that cannot be asked may have volumes of these names from earlier, which nobody removes when they return. */
function leftAway(steps: ApplyResult['steps'], { nodes, members }: Snapshot): Pick<ApplyResult, 'warnings'> {
  const volumes = steps.filter(({ kind }) => kind === 'volume')
  const away = [...nodes.values()]
    .map(({ value }) => value.name)
    .filter(node => !members.has(node) && volumes.some(({ awaitedNode }) => awaitedNode !== node))
  if (away.length === 0) return {}
  const names = volumes.map(({ name }) => name).join(', ')
  return { warnings: [`${away.join(', ')} cannot be asked: copies of ${names} that may be there are left`] }
}

function emptyProject(name: string): ProjectSpec {
  return { name, services: [], networks: [], volumes: [] }
}

function resultOf(project: string, steps: ApplyResult['steps']): ApplyResult {
  return { project, changed: steps.some(step => step.action !== 'keep'), steps }
}

function busy(project: string): Error {
  return conflict('BUSY', `Cannot change project ${project}: it is being changed by others all the time; try again`)
}

/** The project first, so that a half-written one is known and can be applied again or taken down. */
function planTransaction(plan: ProjectPlan, keys: ClusterKeys): Transaction[] {
  const put = <T>(write: RecordWrite<T>, key: string): Transaction => {
    const { before, value } = write
    const compare: Compare = before === undefined ? { key, exists: false } : unchanged(before)
    return {
      compares: [compare],
      operations: [value === undefined ? { delete: key } : { put: key, value: JSON.stringify(value) }],
    }
  }
  return [
    ...(plan.project === undefined ? [] : [put(plan.project, keys.project(plan.project.value?.name ?? ''))]),
    ...plan.networks.map(write => put(write, keys.network(write.value?.name ?? ''))),
    ...plan.volumes.map(write => put(write, keys.volume(write.value?.name ?? ''))),
    ...plan.services.map(write => put(write, keys.service(write.value?.id ?? write.before?.value.id ?? ''))),
  ]
}

/** Atomic as long as a project fits one transaction (some 120 records); beyond that in order, each batch atomic. */
async function writeInOrder(writes: readonly Transaction[], write: ApplyPorts['write']): Promise<boolean> {
  for (const batch of batches(writes, 1)) {
    const compares = batch.flatMap(part => part.compares)
    const operations = batch.flatMap(part => part.operations)
    if (!(await write({ compares, operations }))) return false
  }
  return true
}
