export { ClusterContents, type NodeImage, type PlacedContainer } from './classic/cluster-contents.ts'
export {
  type ContainerRequest,
  type Dependency,
  readExpressions,
  type WrittenExpressions,
} from './classic/container-request.ts'
export { FILTER_NAMES, type FilterName, filtersOf, isFilterName } from './classic/filters.ts'
export { type ContainerPlacement, placeContainer } from './classic/place-container.ts'
export { parseConstraint } from './constraint.ts'
export { reasonOf } from './decision.ts'
export { aboutNode, explainContainer, explainTask } from './explain/explain.ts'
export {
  EMPTY_REQUEST,
  type HostPort,
  type PlacementRequest,
  type Reservation,
  type SchedulableNode,
} from './node.ts'
export { compilePattern } from './pattern.ts'
export { place } from './place.ts'
export type { Preferences, Strategy } from './rank.ts'
export { reasonLines, summarize } from './refusals.ts'
export { ingressPortsOf, requestOf, schedulableNode } from './requests.ts'
export { ClusterView } from './view/cluster-view.ts'
export { roomOf } from './view/room.ts'
