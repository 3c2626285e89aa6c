import type { BuiltImageRecord } from '../core/model/built-image.ts'
import type {
  ClusterMeta,
  EndpointRecord,
  MemberRecord,
  NetworkRecord,
  NodeRecord,
  VolumeRecord,
} from '../core/model/node.ts'
import type { RescheduledContainer } from '../core/model/rescheduled.ts'
import type { ProjectSpec } from '../core/model/service.ts'
import { type ServiceRecord, TASK_STATES, type TaskRecord, type TaskStatus } from '../core/model/task.ts'
import type { TrustRecord } from '../core/model/trust.ts'
import { type Codec, jsonCodec } from './codec.ts'

/** How each kind of record stands in the store. What is checked is what the code would trip over. */

export const memberCodec: Codec<MemberRecord> = jsonCodec<MemberRecord>('member', {
  name: 'string',
  id: 'string',
  apiAddress: 'string',
  address: 'string',
  nanoCpus: 'number',
  memoryBytes: 'number',
  platform: 'object',
  labels: 'object',
  epoch: 'number',
})

export const nodeCodec: Codec<NodeRecord> = jsonCodec<NodeRecord>('node', {
  name: 'string',
  memberId: 'string',
  labels: 'object',
  availability: ['active', 'pause', 'drain'],
  lastSeen: 'object',
})

export const networkCodec: Codec<NetworkRecord> = jsonCodec<NetworkRecord>('network', {
  name: 'string',
  vni: 'number',
  subnet: 'string',
  labels: 'object',
})

export const volumeCodec: Codec<VolumeRecord> = jsonCodec<VolumeRecord>('volume', {
  name: 'string',
  node: 'string?',
  driver: 'string',
  driverOptions: 'object',
  labels: 'object',
})

export const endpointCodec: Codec<EndpointRecord> = jsonCodec<EndpointRecord>('endpoint', {
  network: 'string',
  address: 'string',
  mac: 'string',
  node: 'string',
  hostAddress: 'string',
  kind: ['task', 'gateway', 'container', 'reserved'],
  names: 'array',
  healthy: 'boolean',
})

export const metaCodec: Codec<ClusterMeta> = jsonCodec<ClusterMeta>('cluster record', {
  clusterId: 'string',
  formatVersion: 'number',
})

export const projectCodec: Codec<ProjectSpec> = jsonCodec<ProjectSpec>('project', {
  name: 'string',
  services: 'array',
  networks: 'array',
  volumes: 'array',
})

export const serviceCodec: Codec<ServiceRecord> = jsonCodec<ServiceRecord>('service', {
  id: 'string',
  project: 'string',
  spec: 'object',
  specHash: 'string',
})

export const taskCodec: Codec<TaskRecord> = jsonCodec<TaskRecord>('task', {
  id: 'string',
  project: 'string',
  serviceId: 'string',
  service: 'string',
  slot: 'number',
  spec: 'object',
  specHash: 'string',
  node: 'string?',
  desired: ['running', 'stopped'],
  fencingToken: 'number',
  failures: 'number',
})

export const taskStatusCodec: Codec<TaskStatus> = jsonCodec<TaskStatus>('task status', {
  taskId: 'string',
  node: 'string',
  state: TASK_STATES,
  health: ['none', 'starting', 'healthy', 'unhealthy'],
  restarts: 'number',
  addresses: 'object',
  ports: 'array',
})

export const trustCodec: Codec<TrustRecord> = jsonCodec<TrustRecord>('trust record', {
  kind: ['authorities', 'renewal', 'revoked', 'manager'],
})

export const builtImageCodec: Codec<BuiltImageRecord> = jsonCodec<BuiltImageRecord>('built image', {
  name: 'string',
  id: 'string',
})

export const rescheduledCodec: Codec<RescheduledContainer> = jsonCodec<RescheduledContainer>(
  'container to reschedule',
  {
    swarmId: 'string',
    name: 'string',
    node: 'string',
    containerId: 'string',
    running: 'boolean',
    request: 'object',
    left: 'array',
  },
)
