export {
  type CacheChange,
  type CachedEntry,
  CachedPrefix,
  type CachedPrefixOptions,
} from './cached-prefix.ts'
export {
  createCluster,
  FORMAT_VERSION,
  listMembers,
  readCluster,
  requireCluster,
} from './cluster.ts'
export { type Codec, jsonCodec } from './codec.ts'
export { type Discovery, parseDiscovery } from './discovery-url.ts'
export {
  createElection,
  type Election,
  type ElectionOptions,
  type LeaderRecord,
  type Leadership,
  leaderCodec,
} from './election.ts'
export { type EtcdProcess, type EtcdProcessOptions, startEtcd } from './etcd-process.ts'
export { createEtcdStore, type EtcdOptions } from './etcd-store.ts'
export { parseHostPort } from './host-port.ts'
export { type ClusterKeys, clusterKeys, UNPLACED } from './keys.ts'
export { createMemoryStore, type MemoryStore, type StoreLink } from './memory-store.ts'
export { createNodeSource, type NodeSource, parseNodeFile } from './node-source.ts'
export {
  endpointCodec,
  memberCodec,
  metaCodec,
  networkCodec,
  nodeCodec,
  projectCodec,
  serviceCodec,
  taskCodec,
  taskStatusCodec,
  volumeCodec,
} from './records.ts'
export type {
  Compare,
  KeyValue,
  Lease,
  ListResult,
  Operation,
  Store,
  TxnResult,
  WatchBatch,
  WatchEvent,
} from './store.ts'
export { OPERATIONS_PER_TXN_MAX, VALUE_BYTES_MAX } from './store.ts'
