import type { HookSpec } from '../../core/model/service.ts'
import { isTerminal, type TaskRecord, type TaskStatus } from '../../core/model/task.ts'
import type { Action, ActionOf } from './actions.ts'
import { isAlive, isServing, placeName, type SeenContainer } from './seen-container.ts'
import { advance, type Observation, statusOfContainer, statusWithoutContainer, tellsOfEnd } from './task-status.ts'

/** A failed try to bring a task to run. */
export interface Attempt {
  readonly tries: number
  readonly error: string
  /** When to try again, on the monotonic clock; absent: never. */
  readonly retryAtMs?: number
}

/** All that a decision depends on. */
export interface Snapshot {
  readonly node: string
  readonly tasks: readonly TaskRecord[]
  readonly containers: readonly SeenContainer[]
  /** What was last reported of each task. */
  readonly reported: ReadonlyMap<string, TaskStatus>
  /** Whether each task's addresses were last published as serving; absent: not known. */
  readonly published: ReadonlyMap<string, boolean>
  readonly attempts: ReadonlyMap<string, Attempt>
  /** Tasks with an action under way, and which. */
  readonly busy: ReadonlyMap<string, Action['verb']>
  /** Tasks that were written by a manager that had been replaced before we first saw them. */
  readonly stale: ReadonlySet<string>
}

/** All that is known of one task. */
interface Facts {
  readonly id: string
  readonly node: string
  readonly nowMs: number
  readonly task: TaskRecord | undefined
  readonly container: SeenContainer | undefined
  readonly surplus: readonly SeenContainer[]
  readonly reported: TaskStatus | undefined
  readonly published: boolean | undefined
  readonly attempt: Attempt | undefined
  readonly busy: Action['verb'] | undefined
  readonly stale: boolean
  /** The task it replaces still runs here, and is about to stop. */
  readonly predecessor: boolean
}

interface Rule {
  readonly why: string
  readonly when: (facts: Facts) => boolean
  readonly actions: (facts: Facts) => readonly Action[]
}

/** Read top to bottom; the first rule that holds decides. The order is the policy. */
const RULES: readonly Rule[] = [
  {
    why: 'work on a task that is no longer wanted is given up',
    when: facts => facts.busy === 'run' && !isWanted(facts),
    actions: ({ id }) => [{ verb: 'cancel', taskId: id }],
  },
  {
    why: 'one thing at a time for a task',
    when: facts => facts.busy !== undefined,
    actions: () => [],
  },
  {
    why: 'a task never has two containers',
    when: facts => facts.surplus.length > 0,
    actions: ({ id, surplus }) => [
      { verb: 'remove', taskId: id, containers: surplus.map(seen => seen.id), stop: false, release: false },
    ],
  },
  {
    why: 'the task is gone, and so goes its container',
    when: ({ task, container }) => task === undefined && container !== undefined,
    actions: ({ id, container }) => [
      { verb: 'remove', taskId: id, containers: container ? [container.id] : [], stop: true, release: true },
    ],
  },
  {
    why: 'the task is gone, and so goes what we said of it',
    when: ({ task }) => task === undefined,
    actions: ({ id }) => [{ verb: 'forget', taskId: id }],
  },
  {
    why: 'a task that is to stop, or whose end was already reported, does not run',
    when: facts => facts.container !== undefined && isAlive(facts.container) && !isWanted(facts),
    actions: facts => [stop(facts, stopHooks(facts))],
  },
  {
    why: 'a stopped container of a task that is to stop is of no use any more',
    when: ({ task, container }) => task?.desired === 'stopped' && container !== undefined,
    actions: facts => [
      ...observe(facts),
      {
        verb: 'remove',
        taskId: facts.id,
        containers: facts.container ? [facts.container.id] : [],
        stop: false,
        release: true,
      },
    ],
  },
  {
    why: 'a task that is to stop and has no container has stopped',
    when: ({ task }) => task?.desired === 'stopped',
    actions: facts => say(facts, { state: 'stopped', error: facts.reported?.error }),
  },
  {
    why: 'a task whose end was reported stays as it is until it is withdrawn',
    when: ({ reported }) => isEnd(reported),
    actions: observe,
  },
  {
    why: 'two tasks of one slot do not share its volumes and ports: the one that is to stop goes first',
    when: ({ predecessor, container }) => predecessor && (container === undefined || container.status === 'created'),
    actions: () => [],
  },
  {
    why: 'a container that was made but never started was left half done',
    when: ({ container }) => container?.status === 'created',
    actions: facts => tryToRun(facts),
  },
  {
    why: 'what is to be done in a container after its start was not done, or not to its end',
    when: facts => facts.container !== undefined && isAlive(facts.container) && !isPrepared(facts),
    // Once it is given up, its end is reported, and what runs is stopped for that.
    actions: tryToRun,
  },
  {
    why: 'the container says how the task is',
    when: ({ container }) => container !== undefined,
    actions: observe,
  },
  {
    why: 'a container that ran and is gone was removed by someone else; the manager decides what follows',
    when: ({ reported }) => reported?.state === 'running',
    actions: facts => say(facts, { state: 'failed', error: 'The container is gone: it was not removed by the agent' }),
  },
  {
    why: 'an order of a manager that was replaced is not carried out',
    when: ({ stale }) => stale,
    actions: facts =>
      say(facts, { state: 'failed', error: 'The task was assigned by a manager that has been replaced' }),
  },
  {
    why: 'nothing is in the way',
    when: () => true,
    actions: facts => tryToRun(facts),
  },
]

/** Docker's default. */
const GRACE_MS = 10_000

/**
 * Says what to do next on this node; pure. What must wait for something else is simply not returned yet: the loop asks
 * again after every change, and at the end of every action.
 */
export function decide(snapshot: Snapshot, nowMs: number): Action[] {
  return gatherFacts(snapshot, nowMs).flatMap(facts => [...ruleFor(facts).actions(facts)])
}

/** When to decide again although nothing changed: the earliest retry. On the monotonic clock. */
export function nextDecisionMs({ attempts }: Pick<Snapshot, 'attempts'>, nowMs: number): number | undefined {
  const due = [...attempts.values()].flatMap(({ retryAtMs }) => ((retryAtMs ?? 0) > nowMs ? [retryAtMs ?? 0] : []))
  return due.length === 0 ? undefined : Math.min(...due)
}

function ruleFor(facts: Facts): Rule {
  const rule = RULES.find(({ when }) => when(facts))
  if (rule === undefined) throw new Error('Cannot decide: the last rule must always hold')
  return rule
}

function gatherFacts(snapshot: Snapshot, nowMs: number): Facts[] {
  const tasks = new Map(snapshot.tasks.map(task => [task.id, task]))
  const containers = Map.groupBy(snapshot.containers, container => container.taskId)
  const ids = new Set([
    ...tasks.keys(),
    ...containers.keys(),
    ...snapshot.reported.keys(),
    ...snapshot.published.keys(),
  ])
  const leaving = snapshot.containers.filter(
    seen => tasks.get(seen.taskId)?.desired !== 'running' && (isAlive(seen) || snapshot.busy.has(seen.taskId)),
  )
  const held = new Set(leaving.map(seen => seen.place))
  return [...ids].map(id => {
    const task = tasks.get(id)
    const [container, ...surplus] = (containers.get(id) ?? []).toSorted(byWorth)
    return {
      id,
      node: snapshot.node,
      nowMs,
      task,
      container,
      surplus,
      reported: snapshot.reported.get(id),
      published: snapshot.published.get(id),
      attempt: snapshot.attempts.get(id),
      busy: snapshot.busy.get(id),
      stale: snapshot.stale.has(id),
      predecessor: task !== undefined && held.has(placeName(task.serviceId, task.slot)),
    }
  })
}

/** Of several containers the one to keep: one that lives, then the oldest. */
function byWorth(a: SeenContainer, b: SeenContainer): number {
  return Number(isAlive(b)) - Number(isAlive(a)) || a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1)
}

function isEnd(reported: TaskStatus | undefined): boolean {
  return reported !== undefined && isTerminal(reported.state)
}

function isWanted({ task, reported }: Facts): boolean {
  return task?.desired === 'running' && !isEnd(reported)
}

function graceOf(task: TaskRecord | undefined): number {
  return task?.spec.container.stopGraceMs ?? GRACE_MS
}

function stop({ id, container, task }: Facts, hooks: readonly HookSpec[]): Action {
  const service = task?.service ?? ''
  return { verb: 'stop', taskId: id, container: container?.id ?? '', service, graceMs: graceOf(task), hooks }
}

/** Of a task that has failed nobody knows what still works in it. */
function stopHooks({ task, reported }: Facts): readonly HookSpec[] {
  return isEnd(reported) ? [] : (task?.spec.container.preStop ?? [])
}

/** A task is said to run once its hooks have. */
function isPrepared({ task, reported }: Facts): boolean {
  return (task?.spec.container.postStart ?? []).length === 0 || reported?.state === 'running'
}

function tryToRun(facts: Facts): Action[] {
  const { id, task, attempt, container, nowMs } = facts
  if (task === undefined) return []
  if (attempt === undefined) return [{ verb: 'run', taskId: id, task }]
  if (attempt.retryAtMs === undefined) {
    const said = say(facts, { state: 'failed', error: attempt.error })
    return container?.startedAtMs === undefined ? said : said.map(action => concluded(action, container))
  }
  const wait = say(facts, { state: 'preparing', error: attempt.error })
  return attempt.retryAtMs > nowMs ? wait : [{ verb: 'run', taskId: id, task }]
}

/** Reports and publishes what the container shows, if that is news. */
function observe(facts: Facts): Action[] {
  const { id, node, container, task, reported, published } = facts
  if (container === undefined) return []
  const ended = task?.desired === 'stopped'
  const serving = isWanted(facts) && isServing(container)
  return [
    ...(published === serving ? [] : [{ verb: 'publish', taskId: id, healthy: serving } as const]),
    ...report(facts, statusOfContainer(container, node, { ended, before: reported })).map(action =>
      ended || !tellsOfEnd(action.status, reported) ? action : concluded(action, container),
    ),
  ]
}

function concluded({ taskId, status }: ActionOf<'report'>, { id }: SeenContainer): Action {
  return { verb: 'conclude', taskId, status: { ...status, containerId: id }, container: id }
}

function say(facts: Facts, news: { state: TaskStatus['state']; error?: string | undefined }): ActionOf<'report'>[] {
  const { task, node, reported } = facts
  if (task === undefined) return []
  return report(facts, statusWithoutContainer(task, node, { ...news, before: reported }))
}

function report({ reported }: Facts, next: Observation): ActionOf<'report'>[] {
  const status = advance(reported, next)
  return status === reported || sameStatus(reported, status) ? [] : [{ verb: 'report', taskId: status.taskId, status }]
}

function sameStatus(a: TaskStatus | undefined, b: Observation): boolean {
  if (a === undefined) return false
  const { updatedAtMs: _at, ...before } = a
  return stable(before) === stable(b)
}

function stable(status: Observation): string {
  const fields = Object.entries(status).filter(([, value]) => value !== undefined)
  return JSON.stringify(fields.toSorted(([x], [y]) => (x < y ? -1 : 1)))
}
