export type * from './container-types.ts'
export type * from './engine.ts'
export type * from './resource-types.ts'
