import { isDeepStrictEqual } from 'node:util'
import type { Action } from './model/action.ts'
import { type NodeState, nodeStates } from './model/node-state.ts'
import type { Round } from './model/round.ts'
import { type Snapshot, serviceId } from './model/snapshot.ts'
import { Assignments, explainPinned } from './plan/assignments.ts'
import { hasStartedBefore, type ServiceTasks, unmetDependencies } from './plan/dependencies.ts'
import { planHistory } from './plan/history.ts'
import type { Intent } from './plan/intent.ts'
import type { Placer } from './plan/placer.ts'
import { planService } from './plan/plan-service.ts'
import { planCondemned, planOrphanStatus, planRemoval, planStrays } from './plan/removal.ts'
import { endUpdate, rollBack } from './plan/rewrite-service.ts'
import { slotsOf } from './plan/slots.ts'
import { factsOf, type TaskFacts } from './plan/task-facts.ts'

export interface Decision {
  readonly actions: readonly Action[]
  /** When, on the monotonic clock, something is due even if nothing changes. */
  readonly wakeAtMs?: number
}

export type MakePlacer = (snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>, round: Round) => Placer

/** What the manager does next about everything it sees. Pure: the same arguments give the same actions. */
export function decide(snapshot: Snapshot, round: Round, makePlacer: MakePlacer): Decision {
  const nodes = nodeStates(snapshot, round)
  const { byService, strays } = groupTasks(snapshot, nodes)
  const assignments = new Assignments(
    snapshot,
    round,
    lazyPlacer(() => makePlacer(snapshot, nodes, round)),
  )
  const dueMs: number[] = []
  const services = [...byService.values()].sort((a, b) => (a.service.id < b.service.id ? -1 : 1))
  const waitsFor = new Map(services.map(service => [service.service.id, dependenciesOf(service, byService)]))
  const actions = [
    ...planNodes(snapshot, nodes),
    ...planStrays(strays, snapshot),
    ...[...snapshot.projects.values()].flatMap(project =>
      project.value.removing === undefined ? [] : planRemoval(project, snapshot),
    ),
    ...planCondemned(snapshot, nodes),
    ...planOrphanStatus(snapshot),
  ]
  // What waits already comes before what is new, so that a place that becomes free goes to who asked first.
  const intents = services.map(service => ({ service, intents: wantsOf(service, waitsFor, round) }))
  const replaced = new Set(intents.flatMap(({ intents }) => intents.flatMap(replacedBy)))
  for (const { task: facts, unmet } of waitingTasks(services, waitsFor, replaced)) {
    actions.push(...defined(assignments.retry(facts.stored, unmet)))
  }
  for (const { service, intents: wants } of intents) {
    const unmet = waitsFor.get(service.service.id) ?? []
    for (const intent of wants) {
      if (intent.want === 'wait') dueMs.push(intent.untilMs)
      else if (intent.want === 'end-update') actions.push(...defined(endUpdate(service.service, snapshot)))
      else if (intent.want === 'roll-back') {
        actions.push(...defined(rollBack(service.service, intent, { snapshot, nowMs: round.nowMs })))
      } else actions.push(...defined(act(intent, service, assignments, unmet)))
    }
    const isBack = (node: string): boolean => nodes.get(node)?.presence === 'ready'
    const isGone = (node: string): boolean => !nodes.has(node)
    actions.push(
      ...planHistory(service.tasks, snapshot, {
        wanted: service.slots,
        perSlot: round.options.historyPerSlot,
        isBack,
        isGone,
      }),
      ...service.tasks.flatMap(facts =>
        facts.situation === 'lost' && facts.pinned ? defined(explainPinned(facts)) : [],
      ),
    )
  }
  for (const since of round.observations.absentSinceMs.values()) dueMs.push(since + round.options.graceMs)
  const future = dueMs.filter(ms => ms > round.monotonicMs)
  return { actions, ...(future.length === 0 ? {} : { wakeAtMs: Math.min(...future) }) }
}

function defined<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value]
}

function act(
  intent: Extract<Intent, { want: 'stop' | 'create' | 'move' }>,
  { service }: ServiceTasks,
  assignments: Assignments,
  unmet: readonly string[],
): Action | undefined {
  switch (intent.want) {
    case 'stop':
      return { do: 'stop-task', task: intent.facts.stored, because: intent.because }
    case 'create':
      return assignments.create(service, intent, unmet)
    case 'move':
      return assignments.move(service, intent, unmet)
  }
}

function wantsOf(service: ServiceTasks, waitsFor: ReadonlyMap<string, readonly string[]>, round: Round): Intent[] {
  return planService({
    service: service.service,
    tasks: service.tasks,
    slots: service.slots,
    mayUpdate: (waitsFor.get(service.service.id) ?? []).length === 0,
    endedSinceMs: round.observations.endedSinceMs,
    wellSinceMs: round.observations.wellSinceMs,
    monotonicMs: round.monotonicMs,
  })
}

/** Tasks that another action of this round writes. */
function replacedBy(intent: Intent): string[] {
  if (intent.want === 'create') return intent.replaces === undefined ? [] : [intent.replaces.task.id]
  return 'facts' in intent ? [intent.facts.task.id] : []
}

function waitingTasks(
  services: readonly ServiceTasks[],
  waitsFor: ReadonlyMap<string, readonly string[]>,
  replaced: ReadonlySet<string>,
) {
  return services
    .flatMap(({ service, tasks }) =>
      tasks
        .filter(({ task, situation }) => task.node === undefined && situation === 'live' && !replaced.has(task.id))
        .map(task => ({ task, unmet: waitsFor.get(service.id) ?? [] })),
    )
    .sort((a, b) => a.task.stored.createRevision - b.task.stored.createRevision)
}

function dependenciesOf(service: ServiceTasks, all: ReadonlyMap<string, ServiceTasks>): string[] {
  if (hasStartedBefore(service)) return []
  const { project, spec } = service.service
  return unmetDependencies(spec.dependsOn, name => all.get(serviceId(project, name)))
}

function groupTasks(snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>) {
  const volumeNodes = new Map(
    [...snapshot.volumes.values()].flatMap(({ value: { name, node } }) => (node === undefined ? [] : [[name, node]])),
  )
  const strays: TaskFacts[] = []
  const byService = new Map<string, { service: ServiceTasks['service']; tasks: TaskFacts[] }>()
  for (const [id, { value: service }] of snapshot.services) byService.set(id, { service, tasks: [] })
  const oldestFirst = [...snapshot.tasks.values()].sort(
    (a, b) => a.createRevision - b.createRevision || (a.key < b.key ? -1 : 1),
  )
  for (const stored of oldestFirst) {
    const { node, id, serviceId } = stored.value
    const status = snapshot.status.get(id)?.value
    const facts = factsOf(stored, { status, node: node === undefined ? undefined : nodes.get(node), volumeNodes })
    ;(byService.get(serviceId)?.tasks ?? strays).push(facts)
  }
  const withSlots = [...byService].map(
    ([id, { service, tasks }]) => [id, { service, tasks, slots: slotsOf(service, tasks, nodes) }] as const,
  )
  return { byService: new Map<string, ServiceTasks>(withSlots), strays }
}

function planNodes(snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>): Action[] {
  return [...nodes.values()].flatMap(({ name, presence, record }): Action[] => {
    const before = snapshot.nodes.get(name)
    if (presence !== 'ready' || (before !== undefined && isDeepStrictEqual(before.value, record))) return []
    return [{ do: 'record-node', node: record, ...(before === undefined ? {} : { before }) }]
  })
}

/** Most rounds place nothing: the model of the cluster is built only when a place is asked for. */
function lazyPlacer(make: () => Placer): Placer {
  let placer: Placer | undefined
  return {
    place(task, avoid) {
      placer ??= make()
      return placer.place(task, avoid)
    },
  }
}
