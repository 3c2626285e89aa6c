import type { NameSource } from '../../ports.ts'
import type { JoinableNetwork } from '../networks/local-network.ts'
import { parseLink } from '../sandboxes/links.ts'
import { parseResolvConf } from '../sandboxes/sandbox-files.ts'
import { addressesOf, endpointNames, type SandboxRecord } from '../sandboxes/sandbox-record.ts'
import { placedEndpoints, type SandboxTable } from '../sandboxes/sandbox-table.ts'
import type { InsideNames } from './dns-answer.ts'
import type { DnsScope } from './dns-server.ts'

export interface DnsScopePorts {
  readonly table: SandboxTable
  readonly networkOf: (id: string) => JoinableNetwork | undefined
  /** Names from outside this engine; asked first, for it knows every replica and we only ours. */
  readonly outside: () => NameSource | undefined
  readonly hostResolver: () => string
}

/** What a container may ask: names of all its networks, and the servers it wants for the rest. */
export function dnsScope(containerId: string, ports: DnsScopePorts): DnsScope {
  const { table, networkOf, hostResolver } = ports
  const client = table.get(containerId)
  const placed = client === undefined ? [] : placedEndpoints(client, networkOf)
  const hasWayOut = placed.some(({ network }) => !network.internal)
  return {
    names: insideNames(client, ports),
    upstreams: () => {
      // We would ask from the host's network: what has no way out must not have one through us.
      if (!hasWayOut) return []
      if (client !== undefined && client.request.dns.length > 0) return client.request.dns
      return parseResolvConf(hostResolver()).servers
    },
  }
}

function insideNames(client: SandboxRecord | undefined, ports: DnsScopePorts): InsideNames {
  const { table, networkOf, outside } = ports
  const placed = client === undefined ? [] : placedEndpoints(client, networkOf)
  const visible = placed.filter(({ network }) => !network.isDefault)
  return {
    addressesOf(name) {
      let known: readonly string[] | undefined
      for (const { network, endpoint } of visible) {
        const suffix = `.${network.name.toLowerCase()}`
        const bare = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name
        const linked = linkedAddresses(table, network.id, { links: endpoint.config.Links ?? [], name: bare })
        const addresses = linked ?? outside()?.lookup(network.name, bare) ?? localAddresses(table, network.id, bare)
        if (addresses !== undefined && addresses.length > 0) return addresses
        known ??= addresses
      }
      return known
    },
    nameOf(address) {
      for (const { network } of visible) {
        const member = table.membersOf(network.id).find(({ endpoint }) => addressesOf(endpoint).includes(address))
        if (member !== undefined) return `${member.record.request.containerName}.${network.name}`
      }
      return undefined
    },
  }
}

/** What the asking container calls another one of the network. */
function linkedAddresses(
  table: SandboxTable,
  networkId: string,
  { links, name }: { readonly links: readonly string[]; readonly name: string },
): string[] | undefined {
  for (const link of links) {
    const { target, alias } = parseLink(link)
    if (alias.toLowerCase() !== name) continue
    const containerId = table.find(target)?.containerId
    const member = table.membersOf(networkId).find(({ record }) => record.containerId === containerId)
    if (member !== undefined) return addressesOf(member.endpoint)
  }
  return undefined
}

function localAddresses(table: SandboxTable, networkId: string, name: string): string[] | undefined {
  const addresses = table
    .membersOf(networkId)
    .filter(({ record, endpoint }) => endpointNames(record, endpoint).some(known => known.toLowerCase() === name))
    .flatMap(({ endpoint }) => addressesOf(endpoint))
  return addresses.length === 0 ? undefined : addresses
}
