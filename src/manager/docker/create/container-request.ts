import type { ContainerCreateRequest, HostConfig } from '../../../docker-api/index.ts'
import {
  type ContainerRequest,
  type Dependency,
  readExpressions,
  type WrittenExpressions,
} from '../../../scheduler/index.ts'
import { hostPortsOf } from '../../inventory/index.ts'

/** What a container asks of its node. Throws BAD_CONSTRAINT. */
export function toContainerRequest(request: ContainerCreateRequest, written: WrittenExpressions): ContainerRequest {
  const host = request.HostConfig ?? {}
  const isOnHost = host.NetworkMode === 'host'
  return {
    // Classic Swarm: CPU shares are a number of CPUs.
    nanoCpus: host.NanoCpus || (host.CpuShares ?? 0) * 1e9,
    memoryBytes: reservedMemory(host),
    hostPorts: isOnHost ? [] : hostPortsOf(host),
    hostModePorts: isOnHost ? Object.keys(request.ExposedPorts ?? {}) : [],
    dependencies: dependenciesOf(host),
    ...(request.Image === undefined ? {} : { image: request.Image }),
    volumes: namedVolumesOf(host),
    networks: networksOf(request),
    ...readExpressions(written),
  }
}

/** In bytes. The most that a container may take counts as reserved only where it does not say what it needs. */
export function reservedMemory({
  MemoryReservation,
  Memory,
}: Pick<HostConfig, 'MemoryReservation' | 'Memory'>): number {
  return MemoryReservation || Memory || 0
}

/** Without those that are made for the container alone, and without directories of the host. */
function namedVolumesOf({ Binds, Mounts }: HostConfig): string[] {
  const bound = (Binds ?? []).flatMap(text => /^([^/:][^:]*):/.exec(text)?.[1] ?? [])
  const mounted = (Mounts ?? []).flatMap(({ Type, Source }) => (Type === 'volume' && Source ? [Source] : []))
  return [...new Set([...bound, ...mounted])]
}

/** Names of all networks that it is to be on. */
function networksOf({ HostConfig, NetworkingConfig }: ContainerCreateRequest): string[] {
  const { NetworkMode } = HostConfig ?? {}
  const named = Object.keys(NetworkingConfig?.EndpointsConfig ?? {})
  return [...new Set([...(typeof NetworkMode === 'string' ? [NetworkMode] : []), ...named])]
}

/** Containers that only mean something on the same node. */
export function dependenciesOf({ VolumesFrom, Links, NetworkMode = '' }: HostConfig): Dependency[] {
  const [, shared] = /^container:(.+)$/.exec(NetworkMode) ?? []
  const names = (texts: readonly string[] | null | undefined): string[] =>
    (texts ?? []).map(text => text.replace(/:.*$/, '').replace(/^\//, ''))
  return [
    ...names(VolumesFrom).map((container): Dependency => ({ flag: '--volumes-from', container })),
    ...names(Links).map((container): Dependency => ({ flag: '--link', container })),
    ...(shared === undefined ? [] : [{ flag: '--net', container: shared } as const]),
  ]
}
