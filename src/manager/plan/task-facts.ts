import { isTerminal, isWell, type TaskRecord, type TaskStatus } from '../../core/model/task.ts'
import type { NodeState } from '../model/node-state.ts'
import type { Stored } from '../model/snapshot.ts'

/**
 * Where a task stands, seen by an orchestrator.
 *
 * `live`: wanted, and running or on its way. `lost`: wanted, but its node is gone for good. `stopping`: told to stop and
 * not known to have ended. `complete`, `failed`: wanted, and ended by itself. `ended`: nothing is left of it but history.
 */
export type Situation = 'live' | 'lost' | 'stopping' | 'complete' | 'failed' | 'ended'

export interface TaskFacts {
  readonly stored: Stored<TaskRecord>
  readonly task: TaskRecord
  readonly status: TaskStatus | undefined
  readonly situation: Situation
  /** It runs and is not unhealthy or still starting, or it is complete: an update may go on behind it. */
  readonly settled: boolean
  /** Its node is being emptied, or it was asked to leave it. */
  readonly draining: boolean
  /** Its data is on its node: it cannot move. */
  readonly pinned: boolean
}

interface Seen {
  readonly status: TaskStatus | undefined
  readonly node: NodeState | undefined
  /** Which volumes are tied to a node: name -> node. */
  readonly volumeNodes: ReadonlyMap<string, string>
}

interface Rule {
  readonly situation: Situation
  readonly when: (task: TaskRecord, seen: Seen) => boolean
}

const ended = (status: TaskStatus | undefined): boolean => status !== undefined && isTerminal(status.state)
const nodeLost = (task: TaskRecord, { node }: Seen): boolean =>
  task.node !== undefined && (node === undefined || node.presence === 'lost')

/** Read top to bottom; the first rule that holds decides. */
const RULES: readonly Rule[] = [
  { situation: 'ended', when: (task, { status }) => task.desired === 'stopped' && ended(status) },
  // Never placed: there is nobody who would have to end it.
  { situation: 'ended', when: task => task.desired === 'stopped' && task.node === undefined },
  // Its agent stops it when it returns; nothing waits for that.
  { situation: 'ended', when: (task, seen) => task.desired === 'stopped' && nodeLost(task, seen) },
  { situation: 'stopping', when: task => task.desired === 'stopped' },
  { situation: 'complete', when: (_task, { status }) => status?.state === 'complete' },
  { situation: 'failed', when: (_task, { status }) => status?.state === 'failed' },
  { situation: 'ended', when: (_task, { status }) => ended(status) },
  { situation: 'lost', when: nodeLost },
  { situation: 'live', when: () => true },
]

export function factsOf(stored: Stored<TaskRecord>, seen: Seen): TaskFacts {
  const task = stored.value
  const situation = RULES.find(rule => rule.when(task, seen))?.situation ?? 'live'
  const { status } = seen
  return {
    stored,
    task,
    status,
    situation,
    settled: situation === 'complete' || (situation === 'live' && status !== undefined && isWell(status)),
    draining: situation === 'live' && (task.leaving === true || seen.node?.record.availability === 'drain'),
    pinned: task.node !== undefined && namedVolumes(task).some(name => seen.volumeNodes.get(name) === task.node),
  }
}

/** The cluster-wide names of the volumes a task mounts. */
export function namedVolumes(task: Pick<TaskRecord, 'spec'>): string[] {
  return (task.spec.container.mounts ?? []).flatMap(mount =>
    mount.type === 'volume' && mount.source !== undefined ? [mount.source] : [],
  )
}
