import type { PortForward } from '../firewall/firewall-rules.ts'
import { bridgeSettings } from '../networks/bridge-options.ts'
import type { BridgeNetwork } from '../networks/local-network.ts'
import type { SandboxEndpoint, SandboxRecord } from './sandbox-record.ts'
import { type NetworkOf, waysOut } from './sandbox-table.ts'

export interface PublishedWay {
  readonly endpoint: SandboxEndpoint
  readonly network: BridgeNetwork
}

/**
 * The endpoint that a container's host ports lead to. Undefined when it has no way out, or one that needs no ports of the host:
 * on a LAN of its own address everybody reaches it as it is.
 */
export function publishedWay(record: SandboxRecord, networkOf: NetworkOf): PublishedWay | undefined {
  const { endpoint, network } = waysOut(record, networkOf).ipv4 ?? {}
  return endpoint === undefined || network?.driver !== 'bridge' ? undefined : { endpoint, network }
}

/** Whether host ports that are held may stay: they lead somewhere, and listen where the network they lead to wants them to. */
export function isPublishedAlike(before: SandboxRecord, after: SandboxRecord, networkOf: NetworkOf): boolean {
  const bindings = [before, after].map(record => {
    const way = publishedWay(record, networkOf)
    return way === undefined ? undefined : bridgeSettings(way.network.options).hostBinding
  })
  return bindings[1] !== undefined && bindings[0] === bindings[1]
}

/** Where the packet filter leads the host ports. */
export function portForwards(record: SandboxRecord, networkOf: NetworkOf): PortForward[] {
  const home = publishedWay(record, networkOf)?.endpoint
  if (home === undefined) return []
  const address6 = waysOut(record, networkOf).ipv6?.endpoint.address6
  const to = { address: home.address, ...(address6 === undefined ? {} : { address6 }) }
  return record.ports.map(port => ({ ...port, ...to }))
}
