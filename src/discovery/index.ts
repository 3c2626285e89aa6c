export {
  type CacheChange,
  type CachedEntry,
  CachedPrefix,
} from './cached-prefix.ts'
export {
  createCluster,
  listMembers,
  readCluster,
  requireCluster,
} from './cluster.ts'
export { type Codec, jsonCodec } from './codec.ts'
export { type Discovery, parseDiscovery } from './discovery-url.ts'
export {
  createElection,
  type Election,
  type LeaderRecord,
  type Leadership,
} from './election.ts'
export { createEtcdMembers, type EtcdMembers, type StoreMember } from './etcd/etcd-members.ts'
export {
  type EtcdMembership,
  type EtcdProcess,
  type EtcdProcessOptions,
  type EtcdTlsFiles,
  hasEtcdData,
  isPeerThere,
  peerOf,
  startEtcd,
} from './etcd/etcd-process.ts'
export { createEtcdStore, type EtcdOptions } from './etcd/etcd-store.ts'
export { createEtcdUsers, type EtcdUsers } from './etcd/etcd-users.ts'
export { isToVote, planJoin, planLeave } from './etcd/plan-members.ts'
export { parseHostPort } from './host-port.ts'
export { type ClusterKeys, clusterKeys } from './keys.ts'
export { createMemoryStore, type MemoryStore, type StoreLink } from './memory/memory-store.ts'
export { createNodeSource, parseNodeFile } from './node-source.ts'
export {
  builtImageCodec,
  endpointCodec,
  memberCodec,
  metaCodec,
  networkCodec,
  nodeCodec,
  projectCodec,
  rescheduledCodec,
  serviceCodec,
  taskCodec,
  taskStatusCodec,
  trustCodec,
  volumeCodec,
} from './records.ts'
export type {
  Compare,
  KeyValue,
  Lease,
  Operation,
  Store,
  WatchBatch,
  WatchEvent,
} from './store.ts'
export { OPERATIONS_PER_TXN_MAX } from './store.ts'
