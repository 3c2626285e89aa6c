export { type Containers, type ContainersOptions, type ContainersPorts, openContainers } from './containers.ts'
