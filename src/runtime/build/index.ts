export type { BuildContainers } from './build.ts'
export { type Builder, type BuilderPorts, createBuilder } from './builder.ts'
