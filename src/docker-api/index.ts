export { API_VERSION, API_VERSION_MIN } from './api-version.ts'
export { checkedImages, checkedThings } from './client/checked-answers.ts'
export { ContainerFeed, type ContainerFeedOptions } from './client/container-feed.ts'
export { copyImage } from './client/copy-image.ts'
export { dialApi } from './client/dial.ts'
export { createDockerClient, type DockerClient } from './client/docker-client.ts'
export { EventPace } from './client/event-pace.ts'
export { execExitCode } from './client/exec-exit-code.ts'
export { judgeEngine } from './client/judge-engine.ts'
export { authHeader, filterQuery, platformQuery } from './client/query.ts'
export { type HookRun, runHooks } from './client/run-hooks.ts'
export { type CommandRun, type Ran, runInContainer } from './client/run-in-container.ts'
export { type ClientTls, clientTlsOf, connectionOptions, type ExpectedPeer, watchPeer } from './client/tls.ts'
export { type Call, type Dial, type Transport, type TransportPorts, wasNeverSent } from './client/transport.ts'
export type * from './container-file-types.ts'
export {
  checkContainerFilters,
  type FilterContext,
  type FilteredContainer,
  filtersImplyAll,
  passesContainerFilters,
} from './container-filters.ts'
export type * from './container-types.ts'
export { CREATE_SHAPES, ENDPOINT_SHAPES, HOST_CONFIG_SHAPES, type Shape, type ShapeTable } from './create-shapes.ts'
export { EMPTY_CONFIG, EMPTY_ENDPOINT } from './empty-config.ts'
export type * from './engine.ts'
export { hostFacts } from './host-facts.ts'
export {
  type FilteredImage,
  type ImageFilterFacts,
  imageListFilter,
  imagePruneFilter,
  matchesImageName,
} from './image-filters.ts'
export type * from './image-types.ts'
export { listedDetails } from './listed-details.ts'
export { readFields } from './read-shape.ts'
export type * from './resource-types.ts'
export { hostPort, portKey, toServiceRequest, toUlimits } from './service-request.ts'
export { humanDuration, type ShownState, statusText, statusUntilMs } from './status-text.ts'
export { encodeFrame, FrameDecoder } from './stream-frames.ts'
export type * from './system-types.ts'
