export type { ClusterContents, NodeImage, PlacedContainer } from './classic/cluster-contents.ts'
export {
  type ContainerRequest,
  type Dependency,
  readExpressions,
  type WrittenExpressions,
} from './classic/container-request.ts'
export { FILTER_NAMES, type FilterName, filtersOf, isFilterName } from './classic/filters.ts'
export { placeContainer } from './classic/place-container.ts'
export { ClusterView } from './cluster-view.ts'
export { parseConstraint } from './constraint.ts'
export {
  EMPTY_REQUEST,
  type HostPort,
  type PlacementRequest,
  type Reservation,
  type SchedulableNode,
} from './node.ts'
export { place } from './place.ts'
export type { Strategy } from './rank.ts'
export { reasonLines, summarize } from './refusals.ts'
export { requestOf, schedulableNode } from './requests.ts'
