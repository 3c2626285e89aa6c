import type { EndpointConfig } from '../../docker-api/index.ts'
import { NO_NETWORKS } from '../ports.ts'
import type { ContainerRecord } from './record.ts'

type Membership = Pick<ContainerRecord, 'networkMode' | 'endpoints'>

/** A network as a container may refer to it: by name, by id, or by the beginning of the id. */
export interface NamedNetwork {
  readonly id: string
  readonly name: string
}

/** What becomes of a container's networks. */
export type NetworkChange =
  | { readonly join: NamedNetwork; readonly endpoint: EndpointConfig }
  | { readonly leave: NamedNetwork }

export function changeNetworks<T extends Membership>(record: T, change: NetworkChange): T {
  return 'join' in change ? withNetwork(record, change.join, change.endpoint) : withoutNetwork(record, change.leave)
}

/** The networks a container is on, or will be when it runs; as they were given. */
export function joinedNetworks({ networkMode, endpoints }: Membership): string[] {
  // The docker command line names the default bridge `default`.
  const named = Object.keys(endpoints).map(name => (isUnsaid(name) ? 'bridge' : name))
  if (networkMode.startsWith('container:')) return []
  if (networkMode === NO_NETWORKS) return named
  if (isUnsaid(networkMode)) return named.length > 0 ? named : ['bridge']
  return [...new Set([networkMode, ...named])]
}

/** The container with one more network. What it joins unsaid (the default bridge) it keeps. */
export function withNetwork<T extends Membership>(record: T, network: NamedNetwork, endpoint: EndpointConfig): T {
  const { networkMode, endpoints } = record
  const others = without(endpoints, network)
  const isFirst = isUnsaid(networkMode) && Object.keys(endpoints).length === 0 && network.name !== 'bridge'
  return { ...record, endpoints: { ...(isFirst ? { bridge: {} } : {}), ...others, [network.name]: endpoint } }
}

/** The container without a network. If it was the one it was made for, only those it joined besides are left. */
export function withoutNetwork<T extends Membership>(record: T, network: NamedNetwork): T {
  const { networkMode } = record
  const endpoints = without(record.endpoints, network)
  const isLast = isUnsaid(networkMode) && Object.keys(endpoints).length === 0
  return isLast || refersTo(networkMode, network)
    ? { ...record, networkMode: NO_NETWORKS, endpoints }
    : { ...record, endpoints }
}

function without(endpoints: Membership['endpoints'], network: NamedNetwork): Membership['endpoints'] {
  return Object.fromEntries(Object.entries(endpoints).filter(([reference]) => !refersTo(reference, network)))
}

function refersTo(reference: string, { id, name }: NamedNetwork): boolean {
  return reference === name || (/^[0-9a-f]+$/.test(reference) && id.startsWith(reference))
}

function isUnsaid(mode: string): boolean {
  return mode === '' || mode === 'default'
}
