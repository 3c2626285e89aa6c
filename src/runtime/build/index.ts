export { type BuilderPorts, createBuilder } from './builder.ts'
