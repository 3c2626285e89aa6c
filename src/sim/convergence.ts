import { COMPOSE_LABELS } from '../core/model/compose-labels.ts'
import type { ProjectSpec, ServiceSpec } from '../core/model/service.ts'
import type { ServiceRecord, TaskRecord } from '../core/model/task.ts'
import type { ClusterKeys, Store } from '../discovery/index.ts'
import type { SimContainer } from './sim-container.ts'

export interface FinalState {
  readonly wanted: readonly ProjectSpec[]
  readonly running: readonly SimContainer[]
  readonly tasks: readonly TaskRecord[]
  readonly services: readonly ServiceRecord[]
  /** Names of nodes that are to be emptied. */
  readonly drained: ReadonlySet<string>
}

export async function readServices(store: Store, keys: ClusterKeys): Promise<ServiceRecord[]> {
  const { items } = await store.list(keys.services)
  return items.map(({ value }) => JSON.parse(value) as ServiceRecord)
}

/** What is not as wanted once everything had time to settle; pure. Empty: the cluster has converged. */
export function findDeviations(state: FinalState): string[] {
  const wantedServices = new Map<string, ServiceSpec>(
    state.wanted.flatMap(({ name, services }) => services.map(spec => [`${name}.${spec.name}`, spec] as const)),
  )
  const foreign = state.services.filter(({ id }) => !wantedServices.has(id)).map(({ id }) => `${id}: is still there`)
  const strays = state.running.flatMap(container =>
    wantedServices.has(container.serviceId)
      ? []
      : [`${container.serviceId}: ${container.name} still runs on ${container.host}`],
  )
  return [...foreign, ...strays, ...[...wantedServices].flatMap(([id, spec]) => serviceDeviations(id, spec, state))]
}

function serviceDeviations(id: string, spec: ServiceSpec, state: FinalState): string[] {
  const { running, tasks, services, drained } = state
  const record = services.find(service => service.id === id)
  if (record === undefined) return [`${id}: was never accepted`]
  const containers = running.filter(container => container.serviceId === id)
  // An update goes on only while what was updated is well: a replica without a place holds it up, and says why.
  const isHeldUp = tasks.some(task => task.serviceId === id && task.specHash === record.specHash && isExplained(task))
  // What leaves a drained node waits for a place as it is, and says why.
  const stays = new Set(
    tasks.filter(({ node = '' }) => drained.has(node)).flatMap(task => (isExplained(task) ? task.id : [])),
  )
  const slots = Array.from({ length: spec.replicas }, (_, index) => index + 1)
  return [
    ...containers.flatMap(container =>
      surplus(container, { id, spec, specHash: isHeldUp || stays.has(container.taskId) ? undefined : record.specHash }),
    ),
    ...containers.flatMap(({ name, host, taskId }) =>
      drained.has(host) && !stays.has(taskId) ? [`${id}: ${name} does not leave ${host}, and does not say why`] : [],
    ),
    ...slots.flatMap(slot => slotDeviations(slot, { id, containers, tasks })),
  ]
}

function slotOf({ request }: SimContainer): number {
  return Number(request.Labels?.[COMPOSE_LABELS.number])
}

function surplus(
  container: SimContainer,
  { id, spec, specHash }: { id: string; spec: ServiceSpec; specHash: string | undefined },
): string[] {
  const where = `${container.name} on ${container.host}`
  if (slotOf(container) > spec.replicas) return [`${id}: ${where} is one too many`]
  const hash = container.request.Labels?.[COMPOSE_LABELS.hash]
  return specHash === undefined || hash === specHash ? [] : [`${id}: ${where} runs an old spec`]
}

/** A slot has its one container, or says why not. */
function slotDeviations(
  slot: number,
  { id, containers, tasks }: { id: string; containers: readonly SimContainer[]; tasks: readonly TaskRecord[] },
): string[] {
  const here = containers.filter(container => slotOf(container) === slot)
  if (here.length > 1) return [`${id}: slot ${slot} runs ${here.length} times: ${here.map(c => c.host).join()}`]
  if (here.length === 1) return []
  const task = tasks.find(one => one.serviceId === id && one.slot === slot && one.desired === 'running')
  if (task === undefined) return [`${id}: slot ${slot} has no task`]
  return isExplained(task)
    ? []
    : [`${id}: slot ${slot} (task ${task.id} on ${task.node ?? 'no node'}) does not run, and does not say why`]
}

function isExplained({ desired, pendingReasons = [] }: TaskRecord): boolean {
  return desired === 'running' && pendingReasons.length > 0
}
