import type { ContainerSummary, ImageSummary } from '../../../docker-api/index.ts'
import {
  ClusterContents,
  type ClusterView,
  type HostPort,
  type NodeImage,
  type PlacedContainer,
} from '../../../scheduler/index.ts'
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
  const contents = new ClusterContents(view)
  for (const { node, value } of containers) {
    for (const container of value) {
      contents.setContainer(node.name, toPlaced(container))
      reserve(view, node.name, container)
    }
  }
  const listed = new Set(containers.flatMap(({ value }) => value.map(({ Labels }) => Labels?.[SWARM_ID_LABEL])))
  for (const { placed, reservation } of pending) {
    if (listed.has(reservation.id)) continue
    contents.setContainer(reservation.node, placed)
    view.reserve(reservation)
  }
  for (const { node, value } of images) contents.setImages(node.name, value.map(toNodeImage))
  return contents
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

function reserve(view: ClusterView, node: string, { Id, Labels, Ports }: ContainerSummary): void {
  if (Labels?.[TASK_LABEL] !== undefined) return
  const hostPorts = (Ports ?? []).flatMap(({ PublicPort, Type, IP }): HostPort[] =>
    PublicPort === undefined
      ? []
      : [{ published: PublicPort, protocol: Type, ...(IP === undefined ? {} : { hostIp: IP }) }],
  )
  view.reserve({ id: Id, node, nanoCpus: 0, memoryBytes: 0, hostPorts })
}
