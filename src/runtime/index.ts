export { createEngine, type EmbeddedEngine, type EngineOptions, type EnginePorts } from './engine.ts'
export type { NameSource } from './ports.ts'
