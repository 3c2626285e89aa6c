export { type Decision, decide, type MakePlacer } from './decide.ts'
export { formatListenAddress, isExposed, type ListenAddress, parseListenAddress } from './http/listen.ts'
export { createManager, type Manager, type ManagerOptions, type ManagerPorts } from './manager.ts'
export {
  createManagerServer,
  type ManagerServer,
  type ManagerServerOptions,
  type ManagerServerPorts,
} from './manager-server.ts'
export type { Action, Pin } from './model/action.ts'
export { type NodeState, nodeStates } from './model/node-state.ts'
export { NOTHING_OBSERVED, type Observations, observe } from './model/observations.ts'
export { DECIDE_DEFAULTS, type DecideOptions, type Round, type Strategy } from './model/round.ts'
export type { ProjectRecord, Snapshot, Stored, StoredVolume } from './model/snapshot.ts'
export { clusterView, createPlacer, type Placer } from './plan/placer.ts'
