export { type Containers, type ContainersOptions, type ContainersPorts, openContainers } from './containers.ts'
export { EventBus } from './event-bus.ts'
