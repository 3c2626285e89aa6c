import { isoSeconds } from '../core/iso-seconds.ts'
import type { NodeHealth, NodeView, ProjectSummary, ProjectView, TaskView } from '../core/model/control-api.ts'
import { taskIdIn } from '../core/model/labels.ts'
import {
  isTerminal,
  type ServiceRecord,
  type TaskRecord,
  type TaskStatus,
  taskContainerName,
} from '../core/model/task.ts'
import type { Inventory, NodeInventory } from './inventory/index.ts'
import { type NodeState, nodeStates } from './model/node-state.ts'
import { DECIDE_DEFAULTS, type Round } from './model/round.ts'
import type { ProjectRecord, Snapshot } from './model/snapshot.ts'
import { isAwaited, slotsOf } from './plan/slots.ts'
import { factsOf, type TaskFacts } from './plan/task-facts.ts'

/**
 * The nodes for a reader: one whose agent lost its lease is down at once, since only the leader counts the grace before
 * its tasks are replaced.
 */
export function nodesForView(snapshot: Snapshot): ReadonlyMap<string, NodeState> {
  const absentSinceMs = new Map([...snapshot.nodes.keys()].map(name => [name, 0]))
  const round: Pick<Round, 'monotonicMs' | 'observations' | 'options'> = {
    monotonicMs: 0,
    observations: { absentSinceMs, endedSinceMs: new Map(), wellSinceMs: new Map() },
    options: { ...DECIDE_DEFAULTS, graceMs: 0 },
  }
  return nodeStates(snapshot, round)
}

/** What is wrong with a node, as far as it was noticed. */
export type NodeTrouble = (node: string) => string | undefined

const UNKNOWN_NAME = '(unknown)'

/** The nodes by name; `inventory` tells what containers that were made one by one have reserved. */
export function nodeViews(
  snapshot: Snapshot,
  trouble: NodeTrouble = () => undefined,
  inventory: Pick<Inventory, 'node'> = { node: () => undefined },
): NodeView[] {
  const nodes = [...nodesForView(snapshot).values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const tasks = Map.groupBy(liveTasks(snapshot), task => task.node)
  return nodes.map(({ name, record, presence }) => {
    const all = tasks.get(name) ?? []
    // What a node that is down was told to stop has been replaced: nobody is there to say that it ended.
    const own = presence === 'ready' ? all : all.filter(({ desired }) => desired === 'running')
    const sum = (pick: (task: TaskRecord) => number | undefined): number =>
      own.reduce((total, task) => total + (pick(task) ?? 0), 0)
    const view: NodeView = {
      ...record,
      status: presence === 'ready' ? 'ready' : 'down',
      ...healthOf(presence, trouble(name), inventory.node(name)),
      tasks: own.length,
      reserved: {
        nanoCpus: sum(task => task.spec.reservations.nanoCpus),
        memoryBytes: sum(task => task.spec.reservations.memoryBytes),
      },
    }
    return withContainers(view, inventory)
  })
}

/** What is reserved on a node counts containers that were made one by one too; those of tasks are counted by their tasks. */
function withContainers(view: NodeView, inventory: Pick<Inventory, 'node'>): NodeView {
  const { nanoCpus, memoryBytes } = view.reserved
  const all = [...(inventory.node(view.name)?.containers.values() ?? [])]
  const single = all.filter(({ labels }) => taskIdIn(labels) === undefined)
  const sum = (pick: 'nanoCpus' | 'memoryBytes'): number =>
    single.reduce((total, { details }) => total + (details?.[pick] ?? 0), 0)
  return { ...view, reserved: { nanoCpus: nanoCpus + sum('nanoCpus'), memoryBytes: memoryBytes + sum('memoryBytes') } }
}

function healthOf(
  presence: NodeState['presence'],
  trouble: string | undefined,
  known: Pick<NodeInventory, 'sinceMs' | 'errorBefore'> | undefined,
): { readonly health: NodeHealth; readonly reason?: string } {
  if (trouble !== undefined) return { health: 'unhealthy', reason: trouble }
  return presence === 'ready' ? { health: 'healthy' } : { health: 'disconnected', reason: awayReason(known) }
}

function awayReason(known: Pick<NodeInventory, 'sinceMs' | 'errorBefore'> | undefined): string {
  const causes = 'it ended, its host is down, or it does not reach the store'
  if (known?.sinceMs === undefined) return `its agent holds no lease in the store: ${causes}`
  const before = known.errorBefore === undefined ? '' : `, and before that: ${known.errorBefore}`
  return `its agent holds no lease in the store since ${isoSeconds(known.sinceMs)}: ${causes}${before}`
}

interface PendingEngine {
  readonly address: string
  readonly reason: string
}

/** Engines that are listed and no nodes, with the reason. */
export function pendingViews(engines: readonly PendingEngine[] = []): NodeView[] {
  return engines.map(pendingView)
}

function pendingView({ address, reason }: PendingEngine): NodeView {
  const platform = { os: '', arch: '', kernel: '', operatingSystem: '' }
  const none = { nanoCpus: 0, memoryBytes: 0 }
  const said = { engineVersion: '', storageDriver: '', labels: {}, bootId: '', epoch: 0, startedAtMs: 0 }
  return {
    name: UNKNOWN_NAME,
    memberId: '',
    labels: {},
    availability: 'active',
    lastSeen: { name: UNKNOWN_NAME, id: '', apiAddress: address, address: '', ...none, platform, ...said },
    status: 'down',
    health: 'pending',
    reason,
    tasks: 0,
    reserved: none,
  }
}

function liveTasks(snapshot: Snapshot): TaskRecord[] {
  return [...snapshot.tasks.values()].flatMap(({ value }) =>
    isTerminal(snapshot.status.get(value.id)?.value.state ?? 'pending') ? [] : [value],
  )
}

export function projectSummaries(snapshot: Snapshot): ProjectSummary[] {
  const names = [...snapshot.projects.keys()].sort()
  return names.map(name => {
    const { spec, services, removing } = projectView(name, snapshot) as ProjectView
    return {
      name,
      services: services.length,
      wanted: services.reduce((sum, service) => sum + service.wanted, 0),
      running: services.reduce((sum, service) => sum + service.running, 0),
      converged: services.every(service => service.converged),
      removing,
      ...(spec.configFiles === undefined ? {} : { configFiles: spec.configFiles }),
    }
  })
}

/** A project with its tasks, the newest of each slot first; undefined if there is none of that name. */
export function projectView(name: string, snapshot: Snapshot): ProjectView | undefined {
  const stored = snapshot.projects.get(name)?.value
  if (stored === undefined) return undefined
  const nodes = nodesForView(snapshot)
  const facts = factsOfProject(name, snapshot, nodes)
  const services = [...snapshot.services.values()]
    .filter(({ value }) => value.project === name)
    .map(({ value }) => value)
  return {
    spec: specOf(stored),
    removing: stored.removing !== undefined,
    services: services
      .sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1))
      .map(service =>
        serviceView(
          service,
          facts.filter(({ task }) => task.serviceId === service.id),
          nodes,
        ),
      ),
    tasks: facts.toSorted(byPlace).map(each => taskView(each, nodes)),
  }
}

function specOf(project: ProjectRecord): ProjectView['spec'] {
  const { removing: _, ...spec } = project
  return spec
}

function factsOfProject(name: string, snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>): TaskFacts[] {
  return [...snapshot.tasks.values()].flatMap(stored => {
    const { project, node, id } = stored.value
    if (project !== name) return []
    const status = snapshot.status.get(id)?.value
    const state = node === undefined ? undefined : nodes.get(node)
    return [factsOf(stored, { status, node: state, volumeNodes: new Map() })]
  })
}

function byPlace(a: TaskFacts, b: TaskFacts): number {
  if (a.task.service !== b.task.service) return a.task.service < b.task.service ? -1 : 1
  return a.task.slot - b.task.slot || b.stored.createRevision - a.stored.createRevision
}

function serviceView(
  service: ServiceRecord,
  tasks: readonly TaskFacts[],
  nodes: ReadonlyMap<string, NodeState>,
): ProjectView['services'][number] {
  const live = tasks.filter(facts => facts.situation === 'live')
  const running = live.filter(facts => facts.status?.state === 'running')
  const inOrder = tasks.toSorted((a, b) => a.stored.createRevision - b.stored.createRevision)
  const present = new Map(
    inOrder.flatMap(facts => (facts.situation === 'ended' ? [] : [[facts.task.slot, facts] as const])),
  )
  const slots = [...slotsOf(service, tasks, nodes)].filter(slot => {
    const facts = present.get(slot)
    return facts === undefined || isAwaited(service, facts)
  })
  const isDone = (facts: TaskFacts | undefined): boolean =>
    facts !== undefined && facts.settled && facts.task.specHash === service.specHash
  return {
    name: service.spec.name,
    wanted: slots.length,
    running: running.length,
    healthy: running.filter(facts => facts.settled).length,
    converged: slots.every(slot => isDone(present.get(slot))) && live.length <= slots.length,
    ...defined({ rolledBack: service.rolledBack?.because, printed: service.rolledBack?.printed }),
  }
}

function taskView({ task, status, situation }: TaskFacts, nodes: ReadonlyMap<string, NodeState>): TaskView {
  const { container } = task.spec
  const node = task.node === undefined ? undefined : nodes.get(task.node)
  const isOrphan = task.node !== undefined && node?.presence !== 'ready' && !isTerminal(status?.state ?? 'pending')
  const address = node?.member.address
  const isPlaced = situation === 'live' && task.node !== undefined
  return {
    id: task.id,
    name: taskContainerName(task),
    project: task.project,
    service: task.service,
    slot: task.slot,
    image: container.image,
    command: commandOf(task, status),
    desired: task.desired,
    // What has ended, or is cut off, answers nowhere.
    ports: (situation === 'live' || situation === 'stopping') && !isOrphan ? portTexts(task, status, address) : [],
    createdAtMs: task.createdAtMs,
    ...observed(status),
    ...defined({ node: task.node, address, pendingReasons: isPlaced ? undefined : task.pendingReasons }),
    ...(isOrphan ? { state: 'orphaned', health: 'none', error: `Node ${task.node} is down` } : {}),
  }
}

/** What the image adds to it is known once there is a container. */
function commandOf({ spec: { container } }: TaskRecord, status: TaskStatus | undefined): string {
  return status?.command ?? [...(container.entrypoint ?? []), ...(container.command ?? [])].join(' ')
}

type Observed = Pick<
  TaskView,
  'state' | 'health' | 'paused' | 'restarts' | 'containerId' | 'exitCode' | 'printed' | 'error' | 'startedAtMs'
>

function observed(status: TaskStatus | undefined): Observed {
  if (status === undefined) return { state: 'pending', health: 'none', restarts: 0 }
  const { state, health, paused, restarts, containerId, exitCode, error, startedAtMs, lastEnd } = status
  // What runs has a log; a task that ended well, or was stopped, may have failed in an earlier run, of which this would be.
  const printed = state === 'failed' ? lastEnd?.printed : undefined
  return { state, health, restarts, ...defined({ paused, containerId, exitCode, printed, error, startedAtMs }) }
}

/** `*:8080->80/tcp` for a port that every host answers, with the host's address for one that only its node does. */
function portTexts(task: TaskRecord, status: TaskStatus | undefined, address: string | undefined): string[] {
  const everywhere = task.spec.ports.filter(port => port.mode === 'ingress')
  return [
    ...everywhere.map(port => `*:${port.published}->${port.target}/${port.protocol}`),
    ...(status?.ports ?? [])
      .filter(port => !everywhere.some(other => other.published === port.published && other.protocol === port.protocol))
      .map(port => `${address ?? '*'}:${port.published}->${port.target}/${port.protocol}`),
  ]
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>
}
