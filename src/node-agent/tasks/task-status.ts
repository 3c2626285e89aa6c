import { mayAdvance, type TaskRecord, type TaskState, type TaskStatus } from '../../core/model/task.ts'
import { isAlive, type SeenContainer } from './seen-container.ts'

/** A status without the time it was written, so that equal content is equal. */
export type Observation = Omit<TaskStatus, 'updatedAtMs'>

const NOTHING_SEEN = { health: 'none', restarts: 0, addresses: {}, ports: [] } as const

/**
 * The status of a task that has no container (yet, or any more). What was known before is kept, but for how an earlier run ended
 * when it fails now: nobody has seen the end of this one.
 */
export function statusWithoutContainer(
  task: Pick<TaskRecord, 'id'>,
  node: string,
  { state, error, before }: { state: TaskState; error?: string | undefined; before?: TaskStatus | undefined },
): Observation {
  const { error: _old, updatedAtMs: _at, paused: _paused, lastEnd: _end, ...kept } = before ?? {}
  return {
    ...NOTHING_SEEN,
    ...kept,
    ...(state === 'failed' && before?.state !== 'failed' ? {} : knownEnd(before)),
    taskId: task.id,
    node,
    state,
    health: 'none',
    ...(error === undefined ? {} : { error }),
  }
}

/** The status that a container shows. `ended` is true when the task is to stop: its exit is then no failure. */
export function statusOfContainer(
  container: SeenContainer,
  node: string,
  { ended, before }: { ended: boolean; before?: TaskStatus | undefined },
): Observation {
  const state = stateOf(container, ended)
  const over = state === 'complete' || state === 'failed' || state === 'stopped'
  const hasEnded = over || container.status === 'restarting'
  const error = over ? (exitReason(container, state) ?? before?.error) : undefined
  return {
    taskId: container.taskId,
    node,
    state,
    health: over ? 'none' : container.health,
    ...(container.status === 'paused' ? { paused: true } : {}),
    containerId: container.id,
    command: container.command,
    ...(hasEnded && container.startedAtMs !== undefined ? { exitCode: container.exitCode } : {}),
    ...knownEnd(before),
    restarts: container.restarts,
    addresses: container.addresses,
    ports: over ? [] : container.ports,
    ...(error === undefined ? {} : { error }),
    ...(container.startedAtMs === undefined ? {} : { startedAtMs: container.startedAtMs }),
    ...(over && container.finishedAtMs !== undefined ? { finishedAtMs: container.finishedAtMs } : {}),
  }
}

/** Of how a run ended a later one says nothing. */
function knownEnd({ lastEnd }: Partial<TaskStatus> = {}): Pick<TaskStatus, 'lastEnd'> {
  return lastEnd === undefined ? {} : { lastEnd }
}

function stateOf(container: SeenContainer, ended: boolean): TaskState {
  if (isAlive(container)) return 'running'
  if (ended) return 'stopped'
  if (container.startedAtMs === undefined && container.error === '') return 'starting'
  return container.exitCode === 0 && container.error === '' && !container.outOfMemory ? 'complete' : 'failed'
}

function exitReason(container: SeenContainer, state: TaskState): string | undefined {
  if (state !== 'failed') return undefined
  if (container.error !== '') return container.error
  if (container.outOfMemory) return `The container ran out of memory (exit code ${container.exitCode})`
  return `The container exited with code ${container.exitCode}`
}

/** Whether a status tells of a run that ended by itself, and badly or to be started again, which `before` did not tell of. */
export function tellsOfEnd(next: Observation, before: TaskStatus | undefined): boolean {
  if (next.startedAtMs === undefined || next.state === 'complete') return false
  if (next.state === 'failed') return before?.state !== 'failed'
  const isAgain = before !== undefined && next.restarts > before.restarts
  // Between two runs there is an exit code.
  if (next.exitCode !== undefined) return before?.exitCode === undefined || isAgain
  return isAgain && before.exitCode === undefined
}

/** What may be written after `before`: a state never goes back, and a finished task is left as it finished. */
export function advance(before: TaskStatus | undefined, next: Observation): Observation {
  return before === undefined || mayAdvance(before.state, next.state) ? next : before
}
