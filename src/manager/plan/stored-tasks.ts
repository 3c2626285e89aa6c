import { isTerminal, type TaskRecord, taskContainerName } from '../../core/model/task.ts'
import { type ClusterView, type Reservation, requestOf } from '../../scheduler/index.ts'
import type { Snapshot } from '../model/snapshot.ts'

/** What the tasks of the store take up, and where their volumes are: kept up in a view piece by piece, from snapshot to snapshot. */
export class StoredTasks {
  readonly #view: ClusterView
  readonly #tasks = new Map<string, TaskRecord>()
  #volumes = new Map<string, string | undefined>()

  constructor(view: ClusterView) {
    this.#view = view
  }

  look({ tasks, status, volumes }: Pick<Snapshot, 'tasks' | 'status' | 'volumes'>): void {
    this.#lookAtVolumes(volumes)
    const gone = new Set(this.#tasks.keys())
    for (const { value: task } of tasks.values()) {
      const state = status.get(task.id)?.value.state
      if (task.node === undefined || (state !== undefined && isTerminal(state))) continue
      gone.delete(task.id)
      if (this.#tasks.get(task.id) !== task) this.#take(task, task.node)
    }
    for (const id of gone) {
      this.#tasks.delete(id)
      this.#view.release(id)
    }
  }

  /** Counts a task as being on a node, and its volumes as being there, until a snapshot says otherwise. */
  expect(task: TaskRecord, node: string, volumes: readonly string[]): void {
    this.#take({ ...task, node }, node)
    for (const volume of volumes) {
      this.#volumes.set(volume, node)
      this.#view.pinVolume(volume, node)
    }
  }

  #take(task: TaskRecord, node: string): void {
    this.#tasks.set(task.id, task)
    this.#view.reserve(reservationOf(task, node))
  }

  #lookAtVolumes(volumes: Snapshot['volumes']): void {
    const pinned = new Map([...volumes.values()].map(({ value }) => [value.name, value.node]))
    for (const [name, node] of pinned) if (this.#volumes.get(name) !== node) this.#view.pinVolume(name, node)
    for (const name of this.#volumes.keys()) if (!pinned.has(name)) this.#view.pinVolume(name, undefined)
    this.#volumes = pinned
  }
}

function reservationOf(task: TaskRecord, node: string): Reservation {
  const { id, spec, serviceId } = task
  const { nanoCpus, memoryBytes, hostPorts } = requestOf(spec, serviceId)
  return { id, name: taskContainerName(task), node, nanoCpus, memoryBytes, hostPorts, serviceId }
}
