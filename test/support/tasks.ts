import type { NetworkRecord } from '../../src/core/model/node.ts'
import type { ContainerSpec, ServiceSpec } from '../../src/core/model/service.ts'
import type { TaskRecord } from '../../src/core/model/task.ts'

export function serviceSpec(container: Partial<ContainerSpec> = {}, rest: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name: 'web',
    replicas: 1,
    container: { image: 'web:1', ...container },
    limits: {},
    reservations: {},
    constraints: [],
    networks: [{ network: 'shop_default', aliases: [] }],
    ports: [],
    restart: { condition: 'on-failure' },
    dependsOn: [],
    ...rest,
  }
}

export function taskRecord(change: Partial<TaskRecord> = {}): TaskRecord {
  return {
    id: 't1',
    project: 'shop',
    serviceId: 'shop.web',
    service: 'web',
    slot: 1,
    spec: serviceSpec(),
    specHash: 'h1',
    node: 'n1',
    desired: 'running',
    fencingToken: 1,
    createdAtMs: 0,
    failures: 0,
    ...change,
  }
}

export function networkRecord(name = 'shop_default'): NetworkRecord {
  return { name, project: 'shop', vni: 1, subnet: '10.1.0.0/24', internal: false, labels: {} }
}
