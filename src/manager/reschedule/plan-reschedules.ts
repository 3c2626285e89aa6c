import type { RescheduledContainer } from '../../core/model/rescheduled.ts'
import { type HeldContainer, type NodeCondition, SWARM_ID_LABEL } from '../inventory/index.ts'

/** What is to be done about containers that are to outlive their nodes. */
export type RescheduleStep =
  /** Its node tells something new of it: note it, with what it can be made anew from. */
  | { readonly do: 'note'; readonly container: HeldContainer; readonly known?: RescheduledContainer }
  /** Its node is down: make it anew on another one. */
  | { readonly do: 'move'; readonly known: RescheduledContainer }
  /** It was made anew, but not started. */
  | { readonly do: 'start'; readonly container: HeldContainer; readonly known: RescheduledContainer }
  /** A node has come back with what lives elsewhere by now. */
  | { readonly do: 'remove'; readonly container: HeldContainer; readonly known: RescheduledContainer }
  /** Somebody has removed it. */
  | { readonly do: 'forget'; readonly known: RescheduledContainer }

export interface RescheduleInput {
  readonly known: Iterable<RescheduledContainer>
  /** Containers with the policy, on any node; nodes that are down show what they had. */
  readonly containers: readonly HeldContainer[]
  /** Absent: no node of this name is left. */
  readonly conditionOf: (node: string) => NodeCondition | undefined
  /** Whether every node that is up has told all it has. Until then a container may be where nobody has looked. */
  readonly isComplete: boolean
}

export const POLICY_LABEL = 'com.docker.swarm.reschedule-policies'

/** Whether a container asks to be made anew when its node fails (classic Swarm's `reschedule:on-node-failure`). */
export function isRescheduled({ labels }: HeldContainer): boolean {
  return (labels[POLICY_LABEL] ?? '').includes('"on-node-failure"') && labels[SWARM_ID_LABEL] !== undefined
}

/** Decides from what is noted and what the nodes tell. The same input gives the same steps, and taking them gives none. */
export function planReschedules({ known, containers, conditionOf, isComplete }: RescheduleInput): RescheduleStep[] {
  const isLive = ({ node }: HeldContainer): boolean => conditionOf(node) === 'live'
  const live = Map.groupBy(containers.filter(isLive), ({ labels }) => labels[SWARM_ID_LABEL] ?? '')
  const steps: RescheduleStep[] = []
  const noted = new Set<string>()
  for (const record of known) {
    noted.add(record.swarmId)
    steps.push(...stepsOf(record, live.get(record.swarmId) ?? [], { conditionOf, isComplete }))
  }
  for (const [swarmId, copies] of live) {
    const [newest] = copies.toSorted(newestFirst)
    if (!noted.has(swarmId) && newest !== undefined) steps.push({ do: 'note', container: newest })
  }
  return steps
}

function stepsOf(
  known: RescheduledContainer,
  copies: readonly HeldContainer[],
  { conditionOf, isComplete }: Pick<RescheduleInput, 'conditionOf' | 'isComplete'>,
): RescheduleStep[] {
  const own = copies.find(({ id, node }) => id === known.containerId && node === known.node)
  if (own !== undefined) {
    const others = copies.filter(copy => copy !== own)
    return [
      ...(isAsNoted(own, known) ? [] : [{ do: 'note', container: own, known } as const]),
      ...others.map(container => ({ do: 'remove', container, known }) as const),
    ]
  }
  // Its node may yet tell that it is there.
  const condition = conditionOf(known.node)
  if (condition === 'reading' || condition === 'broken') return []
  // Made anew by a manager that ended before it could note so.
  const [copy] = copies.toSorted(newestFirst)
  if (copy !== undefined) {
    const isStarted = !known.running || copy.status !== 'created'
    return [isStarted ? { do: 'note', container: copy, known } : { do: 'start', container: copy, known }]
  }
  if (!isComplete) return []
  return [condition === 'live' ? { do: 'forget', known } : { do: 'move', known }]
}

function isAsNoted(container: HeldContainer, known: RescheduledContainer): boolean {
  return container.name === known.name && isUp(container) === known.running
}

/** Between two tries of its restart policy too. */
export function isUp({ status }: HeldContainer): boolean {
  return status === 'running' || status === 'restarting' || status === 'paused'
}

function newestFirst(a: HeldContainer, b: HeldContainer): number {
  return b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1)
}
