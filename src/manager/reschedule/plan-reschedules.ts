import { SWARM_ID_LABEL } from '../../core/model/labels.ts'
import type { FormerPlace, RescheduledContainer } from '../../core/model/rescheduled.ts'
import type { HeldContainer } from '../inventory/index.ts'

/** What is to be done about a container that is to outlive its node. */
export type RescheduleStep =
  /** Something about it is new: where it is, its name, whether it runs, what is left of it elsewhere. */
  | { readonly do: 'note'; readonly record: RescheduledContainer }
  /** Its node is down: make it anew on another one. */
  | { readonly do: 'move'; readonly record: RescheduledContainer }
  /** It was made anew, but not started. */
  | { readonly do: 'start'; readonly record: RescheduledContainer; readonly node: string; readonly containerId: string }
  /** A node has come back with what lives elsewhere by now. */
  | {
      readonly do: 'remove'
      readonly record: RescheduledContainer
      readonly node: string
      readonly containerId: string
    }
  /** Its node does not have it: somebody may have removed it. */
  | { readonly do: 'forget'; readonly record: RescheduledContainer }

/** `live`: how the node is now is known. `unclear`: it may come to be, or not. `down`: long enough to be given up. */
export type NodePresence = 'live' | 'unclear' | 'down'

export interface NodesSeen {
  readonly presenceOf: (node: string) => NodePresence
  readonly container: (node: string, id: string) => HeldContainer | undefined
  readonly containersOn: (node: string) => Iterable<HeldContainer>
}

/**
 * What to do next about one container; undefined if all is well, or nothing can be told yet. The same input gives the same
 * step, and taking the steps one after the other comes to an end.
 */
export function planReschedule(record: RescheduledContainer, nodes: NodesSeen): RescheduleStep | undefined {
  const { node, containerId, movingTo } = record
  const presence = nodes.presenceOf(node)
  const own = nodes.container(node, containerId)
  if (presence === 'live' && own !== undefined) return settle(record, own, nodes)
  // Made on another node by a manager that could not note so: known by the node that was chosen, not by what nodes claim.
  if (movingTo !== undefined) {
    const there = nodes.presenceOf(movingTo)
    if (there === 'unclear') return undefined
    if (there === 'down') return { do: 'note', record: withLeft(without(record), { node: movingTo }) }
    const copy = newest(copiesOn(movingTo, record, nodes))
    if (copy !== undefined) return adopt(record, copy)
  }
  if (presence === 'unclear') return undefined
  return { do: presence === 'live' ? 'forget' : 'move', record }
}

function settle(record: RescheduledContainer, own: HeldContainer, nodes: NodesSeen): RescheduleStep | undefined {
  const { left, running, name } = record
  // It came back before it was made anew.
  if (record.movingTo !== undefined) {
    return { do: 'note', record: withLeft(without(record), { node: record.movingTo }) }
  }
  // Made anew, and the manager that was to start it could not.
  if (running && own.status === 'created') return { do: 'start', record, node: own.node, containerId: own.id }
  const isUpNow = isUp(own)
  if (own.name !== name || isUpNow !== running)
    return { do: 'note', record: { ...record, name: own.name, running: isUpNow } }
  for (const place of left) {
    if (nodes.presenceOf(place.node) !== 'live') continue
    const copy = copiesOn(place.node, record, nodes).find(
      ({ id }) => id === (place.containerId ?? id) && !(place.node === record.node && id === record.containerId),
    )
    if (copy !== undefined) return { do: 'remove', record, node: place.node, containerId: copy.id }
    return { do: 'note', record: { ...record, left: left.filter(each => each !== place) } }
  }
  return undefined
}

function adopt(record: RescheduledContainer, copy: HeldContainer): RescheduleStep {
  if (record.running && copy.status === 'created') {
    return { do: 'start', record, node: copy.node, containerId: copy.id }
  }
  return { do: 'note', record: movedTo(record, copy.node, copy.id) }
}

/** The note once it was made anew. */
export function movedTo(record: RescheduledContainer, node: string, containerId: string): RescheduledContainer {
  const left = { node: record.node, containerId: record.containerId }
  return { ...withLeft(without(record), left), node, containerId }
}

function without(record: RescheduledContainer): RescheduledContainer {
  const { movingTo: _, ...settled } = record
  return settled
}

function withLeft(record: RescheduledContainer, place: FormerPlace): RescheduledContainer {
  return { ...record, left: [...record.left.filter(({ node }) => node !== place.node), place] }
}

function copiesOn(node: string, { swarmId }: RescheduledContainer, nodes: NodesSeen): HeldContainer[] {
  return [...nodes.containersOn(node)].filter(({ labels }) => labels[SWARM_ID_LABEL] === swarmId)
}

function newest(copies: readonly HeldContainer[]): HeldContainer | undefined {
  return copies.toSorted((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1))[0]
}

/** Between two tries of its restart policy too. */
function isUp({ status }: HeldContainer): boolean {
  return status === 'running' || status === 'restarting' || status === 'paused'
}
