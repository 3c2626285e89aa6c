import type { NameSource } from '../../ports.ts'
import type { BridgeNetwork } from '../networks/local-network.ts'
import { parseResolvConf } from '../sandboxes/sandbox-files.ts'
import { endpointNames } from '../sandboxes/sandbox-record.ts'
import { placedEndpoints, type SandboxTable } from '../sandboxes/sandbox-table.ts'
import type { InsideNames } from './dns-answer.ts'
import type { DnsScope } from './dns-server.ts'

export interface DnsScopePorts {
  readonly table: SandboxTable
  readonly networkOf: (id: string) => BridgeNetwork | undefined
  /** Names from outside this engine; asked first, for it knows every replica and we only ours. */
  readonly outside: () => NameSource | undefined
  readonly hostResolver: () => string
}

/** What the container with this address may ask: names of all its networks, and the servers it wants for the rest. */
export function dnsScope(networkId: string, address: string, ports: DnsScopePorts): DnsScope {
  const { table, networkOf, hostResolver } = ports
  const client = table.membersOf(networkId).find(({ endpoint }) => endpoint.address === address)?.record
  const own = networkOf(networkId)
  const networks = client === undefined ? [] : placedEndpoints(client, networkOf).map(({ network }) => network)
  const visible = [own, ...networks.filter(network => network.id !== networkId)]
    .flatMap(network => (network === undefined ? [] : [network]))
    .filter(network => !network.isDefault)
  return {
    names: insideNames(visible, ports),
    upstreams: () => {
      if (client !== undefined && client.request.dns.length > 0) return client.request.dns
      return parseResolvConf(hostResolver()).servers
    },
  }
}

function insideNames(networks: readonly BridgeNetwork[], { table, outside }: DnsScopePorts): InsideNames {
  return {
    addressesOf(name) {
      let known: readonly string[] | undefined
      for (const network of networks) {
        const suffix = `.${network.name.toLowerCase()}`
        const bare = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name
        const addresses = outside()?.lookup(network.name, bare) ?? localAddresses(table, network.id, bare)
        if (addresses !== undefined && addresses.length > 0) return addresses
        known ??= addresses
      }
      return known
    },
    nameOf(address) {
      for (const network of networks) {
        const member = table.membersOf(network.id).find(({ endpoint }) => endpoint.address === address)
        if (member !== undefined) return `${member.record.request.containerName}.${network.name}`
      }
      return undefined
    },
  }
}

function localAddresses(table: SandboxTable, networkId: string, name: string): string[] | undefined {
  const addresses = table
    .membersOf(networkId)
    .filter(({ record, endpoint }) => endpointNames(record, endpoint).some(known => known.toLowerCase() === name))
    .map(({ endpoint }) => endpoint.address)
  return addresses.length === 0 ? undefined : addresses
}
