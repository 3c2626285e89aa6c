import type { EndpointConfig } from '../../docker-api/index.ts'
import type { ContainerRecord } from './record.ts'

type Membership = Pick<ContainerRecord, 'networkMode' | 'endpoints'>

/** The container with one more network. What it joins unsaid (the default bridge) it keeps. */
export function withNetwork<T extends Membership>(record: T, network: string, endpoint: EndpointConfig): T {
  const { networkMode, endpoints } = record
  if (networkMode === 'none') return { ...record, networkMode: network, endpoints: { [network]: endpoint } }
  const unsaid = isUnsaid(networkMode) && Object.keys(endpoints).length === 0 ? { bridge: {} } : {}
  return { ...record, endpoints: { ...unsaid, ...endpoints, [network]: endpoint } }
}

/** The container without a network. If it was its main one, the next takes its place; without any it has none. */
export function withoutNetwork<T extends Membership>(record: T, network: string): T {
  const { [network]: _, ...endpoints } = record.endpoints
  const wasMain = record.networkMode === network || (isUnsaid(record.networkMode) && network === 'bridge')
  const next = Object.keys(endpoints)[0]
  const isLast = next === undefined && (wasMain || isUnsaid(record.networkMode))
  if (isLast) return { ...record, networkMode: 'none', endpoints }
  return wasMain && next !== undefined ? { ...record, networkMode: next, endpoints } : { ...record, endpoints }
}

function isUnsaid(mode: string): boolean {
  return mode === '' || mode === 'default'
}
