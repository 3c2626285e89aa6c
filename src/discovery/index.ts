export { type ClusterKeys, clusterKeys, UNPLACED } from './keys.ts'
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
