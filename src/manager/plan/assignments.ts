import type { PlacementRecord } from '../../core/model/explanation.ts'
import type { ServiceRecord, TaskRecord } from '../../core/model/task.ts'
import { newShortId } from '../../core/random.ts'
import type { Action, Pin } from '../model/action.ts'
import type { Round } from '../model/round.ts'
import type { Snapshot, Stored } from '../model/snapshot.ts'
import type { Intent } from './intent.ts'
import type { Placer } from './placer.ts'
import { namedVolumes, type TaskFacts } from './task-facts.ts'

type Create = Extract<Intent, { want: 'create' }>
type Move = Extract<Intent, { want: 'move' }>

interface Place {
  readonly node?: string
  readonly placement?: PlacementRecord
  readonly pendingReasons?: readonly string[]
}

/** Turns wants into actions: makes the records of new tasks, and finds their nodes. One for each round. */
export class Assignments {
  readonly #snapshot: Snapshot
  readonly #round: Round
  readonly #placer: Placer
  readonly #pinned = new Set<string>()

  constructor(snapshot: Snapshot, round: Round, placer: Placer) {
    this.#snapshot = snapshot
    this.#round = round
    this.#placer = placer
  }

  create(service: ServiceRecord, intent: Create, waitsFor: readonly string[]): Action {
    const task = this.#newTask(service, intent.slot, intent.failures)
    const { because, replaces } = intent
    const failedOn = replaces?.situation === 'failed' ? replaces.task.node : undefined
    const placed = { ...task, ...this.#place(task, waitsFor, failedOn) }
    const pins = this.#pins(placed)
    return replaces === undefined
      ? { do: 'create-task', task: placed, pins, because }
      : { do: 'replace-task', old: replaces.stored, task: placed, pins, because }
  }

  /** Nothing if the task may stay where it is until there is a place. */
  move(service: ServiceRecord, { facts, why }: Move, waitsFor: readonly string[]): Action | undefined {
    const old = facts.stored
    const draining = why === 'drain'
    const isLeaving = draining && facts.task.leaving === true
    const because = isLeaving ? 'it leaves a fuller node' : draining ? 'its node is being drained' : 'its node is down'
    const task = this.#newTask(service, facts.task.slot, facts.task.failures)
    const place = this.#place(task, waitsFor, isLeaving ? facts.task.node : undefined)
    if (isLeaving && (place.node === undefined || place.node === facts.task.node)) return { do: 'keep-task', task: old }
    if (place.node === undefined) {
      const first = draining ? [] : [`node ${facts.task.node ?? ''} is down, and there is no other place`]
      return explain(old, [...first, ...(place.pendingReasons ?? [])])
    }
    const placed = { ...task, ...place }
    const pins = this.#pins(placed)
    return draining
      ? { do: 'create-task', task: placed, pins, because }
      : { do: 'replace-task', old, task: placed, pins, because }
  }

  /** Tries again for a task that waits. */
  retry(waiting: Stored<TaskRecord>, waitsFor: readonly string[]): Action | undefined {
    const place = this.#place(waiting.value, waitsFor)
    if (place.node === undefined) return explain(waiting, place.pendingReasons ?? [])
    const { pendingReasons: _, ...rest } = waiting.value
    const task = { ...rest, ...place, fencingToken: this.#round.fencingToken }
    return { do: 'place-task', waiting, task, pins: this.#pins(task) }
  }

  #newTask(service: ServiceRecord, slot: number, failures: number): TaskRecord {
    const { random, fencingToken, nowMs } = this.#round
    const { project, id: serviceId, spec, specHash } = service
    const id = newShortId(random)
    const base = { id, project, serviceId, service: spec.name, slot, spec, specHash }
    return { ...base, desired: 'running', fencingToken, createdAtMs: nowMs, failures }
  }

  #place(task: TaskRecord, waitsFor: readonly string[], avoid?: string): Place {
    if (waitsFor.length > 0) return { pendingReasons: waitsFor }
    const decision = this.#placer.place(task, avoid)
    if (!decision.placed) return { pendingReasons: decision.reasons }
    return { node: decision.node, placement: decision.record }
  }

  /** Volumes that this task is the first to use are tied to its node from now on. */
  #pins(task: TaskRecord): Pin[] {
    const { node } = task
    if (node === undefined) return []
    return namedVolumes(task).flatMap(name => {
      const volume = this.#snapshot.volumes.get(name)
      if (volume === undefined || volume.value.node !== undefined || this.#pinned.has(name)) return []
      this.#pinned.add(name)
      return [{ volume, node }]
    })
  }
}

/** Only if the reasons are not the ones that stand there already. */
function explain(task: Stored<TaskRecord>, reasons: readonly string[]): Action | undefined {
  const known = task.value.pendingReasons ?? []
  const same = known.length === reasons.length && known.every((reason, index) => reason === reasons[index])
  return same ? undefined : { do: 'explain-task', task, reasons }
}

/** Why a task on a lost node stays there. */
export function explainPinned(facts: TaskFacts): Action | undefined {
  return explain(facts.stored, [
    `node ${facts.task.node ?? ''} is down and holds its volume ${namedVolumes(facts.task).join(', ')}: it goes on when the node returns`,
  ])
}
