export { applyChanges } from './apply-changes.ts'
export type { BuildContainers } from './build.ts'
export { type Builder, type BuilderPorts, createBuilder } from './builder.ts'
