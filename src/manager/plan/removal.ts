import type { Action } from '../model/action.ts'
import type { NodeState } from '../model/node-state.ts'
import type { ProjectRecord, Snapshot, Stored } from '../model/snapshot.ts'
import { forget } from './history.ts'
import type { TaskFacts } from './task-facts.ts'

/** Tasks whose service is gone: stopped, then forgotten. A lost node learns of it by finding them unassigned. */
export function planStrays(strays: readonly TaskFacts[], snapshot: Snapshot): Action[] {
  return strays
    .map(facts => {
      const over = facts.situation === 'ended' || facts.situation === 'lost' || facts.task.node === undefined
      return over ? forget(facts, snapshot) : stopStray(facts)
    })
    .flat()
}

function stopStray({ stored, situation }: TaskFacts): Action[] {
  return situation === 'stopping' ? [] : [{ do: 'stop-task', task: stored, because: 'its service was removed' }]
}

/**
 * The next step of a project's removal: its services first (their tasks then stop as strays), its networks and volumes
 * once no task is left, its own record last. Each step is stored, so that any manager can go on.
 */
export function planRemoval(project: Stored<ProjectRecord>, snapshot: Snapshot): Action[] {
  const { name, removing } = project.value
  const own = <T extends { readonly project: string }>(records: ReadonlyMap<string, Stored<T>>): Stored<T>[] =>
    [...records.values()].filter(record => record.value.project === name)
  const services = own(snapshot.services)
  if (services.length > 0) return services.map(record => ({ do: 'forget-record', kind: 'service', record }))
  if (own(snapshot.tasks).length > 0) return []
  const networks = own(snapshot.networks)
  const volumes = removing?.volumes === true ? own(snapshot.volumes).filter(({ value }) => value.removing !== true) : []
  if (networks.length + volumes.length > 0) {
    return [
      ...networks.map((record): Action => ({ do: 'forget-record', kind: 'network', record })),
      ...volumes.map((volume): Action => ({ do: 'condemn-volume', volume })),
    ]
  }
  return [{ do: 'forget-record', kind: 'project', record: project }]
}

/**
 * Condemned volumes whose node can be reached, or that have none: one that was given up with its node may have left copies on others.
 */
export function planCondemned(snapshot: Snapshot, nodes: ReadonlyMap<string, NodeState>): Action[] {
  return [...snapshot.volumes.values()].flatMap((volume): Action[] => {
    const { removing, node } = volume.value
    if (removing !== true) return []
    const canBe = node === undefined || nodes.get(node)?.presence === 'ready'
    return canBe ? [{ do: 'delete-volume', volume }] : []
  })
}

/** Reports that an agent made about a task after the task was forgotten. */
export function planOrphanStatus(snapshot: Snapshot): Action[] {
  return [...snapshot.status.values()].flatMap(status =>
    snapshot.tasks.has(status.value.taskId) ? [] : [{ do: 'forget-status' as const, status }],
  )
}
