import { hashOf } from '../core/digest.ts'
import type { NodeRecord } from '../core/model/node.ts'
import { isTerminal, mayAdvance, type TaskRecord, type TaskStatus } from '../core/model/task.ts'
import type { ClusterKeys, KeyValue, Store, WatchEvent } from '../discovery/index.ts'
import type { SimContainer } from './sim-container.ts'

/**
 * What must never happen, not even for a moment. Looks on as containers start and end, and as records change, and
 * collects what was broken.
 */
export class Safety {
  readonly #keys: ClusterKeys
  readonly violations: string[] = []
  readonly #running = new Set<SimContainer>()
  readonly #tasks = new Map<string, TaskRecord>()
  readonly #keyOfTask = new Map<string, string>()
  readonly #statuses = new Map<string, TaskStatus>()
  /** Nodes that are to be emptied. */
  readonly #drained = new Set<string>()
  /** Tasks that were to leave their nodes at any moment of their lives: the leader may have seen that one. */
  readonly #leaving = new Set<string>()
  #token: number | undefined

  constructor(keys: ClusterKeys) {
    this.#keys = keys
  }

  /** For the engines of all hosts. */
  readonly engineEvents = {
    started: (container: SimContainer): void => {
      for (const other of this.#running) if (other !== container) this.#compare(container, other)
      this.#running.add(container)
    },
    ended: (container: SimContainer): void => {
      this.#running.delete(container)
    },
  }

  running(): readonly SimContainer[] {
    return [...this.#running]
  }

  tasks(): readonly TaskRecord[] {
    return [...this.#tasks.values()]
  }

  /** Follows the store, for ever. */
  async watch(store: Store): Promise<void> {
    for await (const { events } of store.watch(this.#keys.root, 1, new AbortController().signal)) {
      // The election first: what else is written in the same revision was written under it.
      for (const event of events) if (keyOf(event) === this.#keys.election) this.#onElection(event)
      for (const event of events) this.#onEvent(event)
      this.#checkSlots()
    }
  }

  #broken(rule: string, facts: string): void {
    this.violations.push(`${rule}: ${facts}`)
  }

  #compare(a: SimContainer, b: SimContainer): void {
    const where = `${a.name} on ${a.host} and ${b.name} on ${b.host}`
    if (a.taskId === b.taskId) this.#broken('a task runs once', `${a.taskId} runs twice: ${where}`)
    if (a.host === b.host) return
    const volume = a.volumes.find(name => b.volumes.includes(name))
    if (volume !== undefined) this.#broken('a volume is used on one host', `${volume} is used by ${where}`)
  }

  #onElection(event: WatchEvent): void {
    if (event.type === 'delete') {
      this.#token = undefined
      return
    }
    this.#token = event.kv.createRevision
  }

  #onEvent(event: WatchEvent): void {
    const key = keyOf(event)
    if (key.startsWith(this.#keys.nodes) && event.type === 'put') this.#onNode(event.kv)
    if (key.startsWith(this.#keys.tasks)) this.#onTask(key, event)
    if (key.startsWith(this.#keys.status)) this.#onStatus(key, event)
  }

  #onNode({ value }: KeyValue): void {
    const { name, availability } = JSON.parse(value) as NodeRecord
    if (availability === 'drain') this.#drained.add(name)
    else this.#drained.delete(name)
    for (const task of this.#tasks.values()) this.#noteLeaving(task)
  }

  #noteLeaving({ id, node, leaving }: TaskRecord): void {
    if (leaving === true || (node !== undefined && this.#drained.has(node))) this.#leaving.add(id)
  }

  #onTask(key: string, event: WatchEvent): void {
    if (event.type === 'delete') {
      const id = key.slice(key.lastIndexOf('/') + 1)
      // A task that is placed moves: deleted there, put here, in one revision and in either order.
      if (this.#keyOfTask.get(id) === key) {
        this.#tasks.delete(id)
        this.#keyOfTask.delete(id)
      }
      return
    }
    const task = JSON.parse(event.kv.value) as TaskRecord
    const before = this.#tasks.get(task.id)
    this.#checkTask(event.kv, task, before)
    this.#tasks.set(task.id, task)
    this.#keyOfTask.set(task.id, key)
    this.#noteLeaving(task)
  }

  #checkTask({ createRevision, modRevision }: KeyValue, task: TaskRecord, before: TaskRecord | undefined): void {
    if (createRevision === modRevision && task.fencingToken !== this.#token) {
      this.#broken('only the leader assigns', `task ${task.id} has token ${task.fencingToken}, leads: ${this.#token}`)
    }
    if (before === undefined) return
    if (before.desired === 'stopped' && task.desired === 'running') this.#broken('a stopped task stays so', task.id)
    if (before.node !== undefined && before.node !== task.node) this.#broken('a task stays on its node', task.id)
    if (hashOf(before.spec) !== hashOf(task.spec)) this.#broken('a task keeps its spec', task.id)
  }

  #onStatus(key: string, event: WatchEvent): void {
    if (event.type === 'delete') {
      this.#statuses.delete(key)
      return
    }
    const status = JSON.parse(event.kv.value) as TaskStatus
    const before = this.#statuses.get(key)
    if (before !== undefined && before.state !== status.state && !mayAdvance(before.state, status.state)) {
      this.#broken('states go forward', `${status.taskId} went from ${before.state} to ${status.state}`)
    }
    this.#statuses.set(key, status)
  }

  #checkSlots(): void {
    const wanted = [...this.#tasks.values()].filter(task => task.desired === 'running' && !this.#hasEnded(task))
    for (const [slot, tasks] of Map.groupBy(wanted, task => `${task.serviceId}/${task.slot}`)) {
      if (tasks.length > this.#allowedIn(tasks)) {
        this.#broken('a slot has one wanted task', `${slot} has ${tasks.map(({ id }) => id).join(' and ')}`)
      }
    }
  }

  /** What leaves its node, or is replaced by a service that starts the new one first, stays until its successor is well. */
  #allowedIn(tasks: readonly TaskRecord[]): number {
    const isStartFirst = tasks.some(({ spec }) => spec.update?.order === 'start-first')
    const specs = isStartFirst ? new Set(tasks.map(({ specHash }) => specHash)).size : 1
    return specs + (tasks.some(({ id }) => this.#leaving.has(id)) ? 1 : 0)
  }

  #hasEnded({ id, node }: TaskRecord): boolean {
    const status = node === undefined ? undefined : this.#statuses.get(this.#keys.statusOf(node, id))
    return status !== undefined && isTerminal(status.state)
  }
}

function keyOf(event: WatchEvent): string {
  return event.type === 'put' ? event.kv.key : event.key
}
