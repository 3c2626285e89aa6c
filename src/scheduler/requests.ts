import type { MemberRecord, NodeRecord } from '../core/model/node.ts'
import type { ServiceSpec } from '../core/model/service.ts'
import type { HostPort, PlacementRequest, SchedulableNode } from './node.ts'

/** What one replica of a service asks of its node. Reservations count; where there is none, nothing is asked. */
export function requestOf(spec: ServiceSpec, serviceId: string): PlacementRequest {
  return {
    serviceId,
    nanoCpus: spec.reservations.nanoCpus ?? 0,
    memoryBytes: spec.reservations.memoryBytes ?? 0,
    constraints: spec.constraints,
    hostPorts: hostPortsOf(spec),
    volumes: (spec.container.mounts ?? []).flatMap(({ type, source }) =>
      type === 'volume' && source !== undefined ? [source] : [],
    ),
    ...replicasPerNode(spec),
    ...(spec.spreadOver === undefined ? {} : { spreadOver: spec.spreadOver }),
  }
}

function replicasPerNode({ mode, replicasPerNode }: ServiceSpec): Pick<PlacementRequest, 'replicasPerNodeMax'> {
  if (mode === 'global') return { replicasPerNodeMax: 1 }
  return replicasPerNode === undefined ? {} : { replicasPerNodeMax: replicasPerNode }
}

/** Ports that one replica alone can have on a node. */
function hostPortsOf(spec: ServiceSpec): HostPort[] {
  return portsOf(spec, 'host')
}

/** Ports that every node answers for a service, wherever its replicas are. */
export function ingressPortsOf(spec: ServiceSpec): HostPort[] {
  return portsOf(spec, 'ingress')
}

function portsOf(spec: ServiceSpec, wanted: 'host' | 'ingress'): HostPort[] {
  return spec.ports.flatMap(({ mode, published, protocol, hostIp }) =>
    mode === wanted && published !== undefined
      ? [{ published, protocol, ...(hostIp === undefined ? {} : { hostIp }) }]
      : [],
  )
}

/** A node as the scheduler sees it, from its records. */
export function schedulableNode(record: NodeRecord, member: MemberRecord, ready: boolean): SchedulableNode {
  const { os, arch, kernel, operatingSystem } = member.platform
  const standard = {
    storagedriver: member.storageDriver,
    kernelversion: kernel,
    operatingsystem: operatingSystem,
    ostype: os,
  }
  return {
    name: record.name,
    id: member.id,
    ready,
    availability: record.availability,
    labels: record.labels,
    // Classic Swarm: an engine's own label never hides a standard one.
    engineLabels: { ...member.labels, ...standard },
    platform: { os, arch },
    overlay: member.overlay === true,
    nanoCpus: member.nanoCpus,
    memoryBytes: member.memoryBytes,
  }
}
