import type { ContainerSummary, ImageSummary } from '../../../docker-api/index.ts'
import type { ClusterContents, ClusterView, HostPort, NodeImage, PlacedContainer } from '../../../scheduler/index.ts'
import type { Answer } from '../nodes.ts'
import type { PendingContainer } from './pending-containers.ts'

const TASK_LABEL = 'shoal.task.id'
/** Kept by a container for its life, whatever node it is on. */
export const SWARM_ID_LABEL = 'com.docker.swarm.id'

export interface Listed {
  readonly containers: readonly Answer<readonly ContainerSummary[]>[]
  readonly images: readonly Answer<readonly ImageSummary[]>[]
  readonly pending: Iterable<PendingContainer>
}

/** What lies on the nodes, as they listed it, and what is on its way there. What no task accounts for takes up its place in the view. */
export function toContents(view: ClusterView, { containers, images, pending }: Listed): ClusterContents {
  const placed = new Map<string, readonly PlacedContainer[]>()
  for (const { node, value } of containers) {
    placed.set(node.name, value.map(toPlaced))
    for (const container of value) reserve(view, node.name, container)
  }
  const listed = new Set(containers.flatMap(({ value }) => value.map(({ Labels }) => Labels?.[SWARM_ID_LABEL])))
  for (const { placed: coming, reservation } of pending) {
    if (listed.has(reservation.id)) continue
    const { node } = reservation
    placed.set(node, [...(placed.get(node) ?? []), coming])
    view.reserve(reservation)
  }
  const stored = new Map(images.map(({ node, value }) => [node.name, value.map(toNodeImage)]))
  return {
    view,
    containersOn: node => placed.get(node) ?? [],
    imagesOn: node => stored.get(node) ?? [],
    nodesOf: wanted =>
      [...placed].filter(([, list]) => list.some(container => isMeant(container, wanted))).map(([node]) => node),
  }
}

function toPlaced({ Id, Names, Labels, HostConfig, Ports }: ContainerSummary): PlacedContainer {
  const isOnHost = HostConfig?.NetworkMode === 'host'
  return {
    id: Id,
    // A container that is linked has more names, each below another container's.
    name: (Names.find(name => !name.slice(1).includes('/')) ?? '').slice(1),
    labels: Labels ?? {},
    hostModePorts: isOnHost ? (Ports ?? []).map(({ PrivatePort, Type }) => `${PrivatePort}/${Type}`) : [],
  }
}

function toNodeImage({ Id, RepoTags }: ImageSummary): NodeImage {
  return { id: Id, tags: RepoTags ?? [] }
}

/** By name, or by the beginning of the id, as docker's commands take containers. */
function isMeant({ id, name }: PlacedContainer, wanted: string): boolean {
  return name === wanted || (/^[0-9a-f]{12,}$/.test(wanted) && id.startsWith(wanted))
}

function reserve(view: ClusterView, node: string, { Id, Labels, Ports }: ContainerSummary): void {
  if (Labels?.[TASK_LABEL] !== undefined) return
  const hostPorts = (Ports ?? []).flatMap(({ PublicPort, Type, IP }): HostPort[] =>
    PublicPort === undefined
      ? []
      : [{ published: PublicPort, protocol: Type, ...(IP === undefined ? {} : { hostIp: IP }) }],
  )
  view.reserve({ id: Id, node, nanoCpus: 0, memoryBytes: 0, hostPorts })
}
