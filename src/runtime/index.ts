export { type ContainerDefaults, checkContainerDefaults } from './containers/index.ts'
export { createEngine, type EmbeddedEngine, type EngineOptions, type EnginePorts } from './engine.ts'
export type { LiveSettings } from './live-settings.ts'
export type { NameSource } from './ports.ts'
