import { expect } from 'vitest'
import type { MemberRecord } from '../../src/core/model/node.ts'
import type { ProjectSpec } from '../../src/core/model/service.ts'
import { isTerminal, type TaskRecord, type TaskState, type TaskStatus } from '../../src/core/model/task.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { Operation } from '../../src/discovery/index.ts'
import {
  createPlacers,
  DECIDE_DEFAULTS,
  decide,
  NOTHING_OBSERVED,
  observe,
  type Snapshot,
  type Stored,
} from '../../src/manager/index.ts'
import { type Transaction, transactionOf } from '../../src/manager/loop/transactions.ts'
import { DEFAULT_POOL } from '../../src/manager/project/allocate-network.ts'
import { planProject } from '../../src/manager/project/plan-project.ts'
import { validateProject } from '../../src/manager/project/validate-project.ts'
import { keys, memberRecord } from './support.ts'

const kinds = { members: 1, nodes: 1, projects: 1, services: 1, networks: 1, volumes: 1, tasks: 1, status: 1 }

/** The store, the agents and time as plain data, so that thousands of histories of the pure decision can be played. */
export class ModelCluster {
  readonly #data = new Map<string, Stored<unknown>>()
  readonly #random = seededRandom(11)
  /** Over a view that is kept, and one that is made anew for each round: they never differ. */
  readonly #makePlacer: ReturnType<typeof createPlacers> = (...round) => {
    const [kept, fresh] = [this.#kept(...round), createPlacers()(...round)]
    return {
      place(task, avoid) {
        const decision = kept.place(task, avoid)
        expect(decision).toEqual(fresh.place(task, avoid))
        return decision
      },
    }
  }
  readonly #kept = createPlacers()
  #revision = 1
  #observations = NOTHING_OBSERVED
  #nowMs = 0

  snapshot(): Snapshot {
    const of = (kind: keyof typeof kinds, name: (value: never) => string): ReadonlyMap<string, never> =>
      new Map(
        [...this.#data.values()]
          .filter(({ key }) => key.startsWith(keys[kind]))
          .map(entry => [name(entry.value as never), entry as never]),
      )
    const byName = (value: { name: string }): string => value.name
    return {
      members: of('members', byName),
      nodes: of('nodes', byName),
      projects: of('projects', byName),
      services: of('services', (value: { id: string }) => value.id),
      networks: of('networks', byName),
      volumes: of('volumes', byName),
      tasks: of('tasks', (value: { id: string }) => value.id),
      status: of('status', (value: { taskId: string }) => value.taskId),
    }
  }

  put(key: string, value: unknown): void {
    const createRevision = this.#data.get(key)?.createRevision ?? ++this.#revision
    this.#data.set(key, { key, value, createRevision, modRevision: ++this.#revision })
  }

  delete(key: string): void {
    this.#data.delete(key)
  }

  has(key: string): boolean {
    return this.#data.has(key)
  }

  nodeUp(name: string, more: Partial<MemberRecord> = {}): void {
    if (!this.has(keys.member(name))) this.put(keys.member(name), memberRecord(name, more))
  }

  nodeDown(name: string): void {
    this.delete(keys.member(name))
  }

  /** As the API does it: what is refused changes nothing. */
  apply(project: ProjectSpec): void {
    try {
      validateProject(project, this.snapshot(), () => {})
    } catch {
      return
    }
    const plan = planProject(project, this.snapshot(), { nowMs: this.#nowMs, pool: DEFAULT_POOL, removeOrphans: true })
    if (plan.project?.value !== undefined) this.put(keys.project(project.name), plan.project.value)
    for (const { value } of plan.networks) if (value !== undefined) this.put(keys.network(value.name), value)
    for (const { value } of plan.volumes) if (value !== undefined) this.put(keys.volume(value.name), value)
    for (const { value, before } of plan.services) {
      if (value === undefined) this.delete(before?.key ?? '')
      else this.put(keys.service(value.id), value)
    }
  }

  pass(ms: number): void {
    this.#nowMs += ms
  }

  /** One round of the manager, which dies after `most` writes. Returns how many actions it decided on. */
  round(most = Number.POSITIVE_INFINITY): number {
    const snapshot = this.snapshot()
    this.#observations = observe(this.#observations, snapshot, this.#nowMs)
    const { actions } = decide(
      snapshot,
      {
        nowMs: this.#nowMs,
        monotonicMs: this.#nowMs,
        random: this.#random,
        fencingToken: 1,
        observations: this.#observations,
        options: DECIDE_DEFAULTS,
      },
      this.#makePlacer,
    )
    for (const action of actions.slice(0, most)) this.#write(transactionOf(action, keys, 1))
    return actions.length
  }

  /** The agents of the nodes that are up take one step each task: `end` says how a task that runs ends, if it does. */
  agents(end: (task: TaskRecord) => TaskState | undefined = () => undefined): void {
    const { tasks, status, members } = this.snapshot()
    for (const { value: task } of tasks.values()) {
      if (task.node === undefined || !members.has(task.node)) continue
      const state = status.get(task.id)?.value.state
      const next = nextState(task, state, end)
      if (next !== undefined && next !== state) this.#report(task, task.node, next)
    }
    for (const { key, value } of status.values()) {
      if (members.has(value.node) && !tasks.has(value.taskId)) this.delete(key)
    }
  }

  #report(task: TaskRecord, node: string, state: TaskState): void {
    const at = { startedAtMs: this.#nowMs, ...(isTerminal(state) ? { finishedAtMs: this.#nowMs } : {}) }
    const fixed = { health: 'none' as const, restarts: 0, addresses: {}, ports: [], updatedAtMs: this.#nowMs }
    const status: TaskStatus = { taskId: task.id, node, state, ...fixed, ...at }
    this.put(keys.statusOf(node, task.id), status)
  }

  #write({ compares, operations }: Transaction): void {
    const holds = compares.every(compare => {
      const entry = this.#data.get(compare.key)
      if ('exists' in compare) return (entry !== undefined) === compare.exists
      return 'modRevision' in compare && entry?.modRevision === compare.modRevision
    })
    if (!holds) return
    for (const operation of operations) this.#do(operation)
  }

  #do(operation: Operation): void {
    if ('put' in operation) this.put(operation.put, JSON.parse(operation.value))
    else if ('delete' in operation) this.delete(operation.delete)
  }
}

function nextState(
  task: TaskRecord,
  state: TaskState | undefined,
  end: (task: TaskRecord) => TaskState | undefined,
): TaskState | undefined {
  if (state !== undefined && isTerminal(state)) return undefined
  if (task.desired === 'stopped') return 'stopped'
  if (state === undefined) return 'preparing'
  return state === 'preparing' ? 'running' : end(task)
}
