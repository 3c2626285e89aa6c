export { type ContainerDefaults, checkContainerDefaults } from './container-defaults.ts'
export { type Containers, type ContainersOptions, type ContainersPorts, openContainers } from './containers.ts'
