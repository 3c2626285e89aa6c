import { parseIpNet } from '../../../core/ip.ts'
import { EMPTY_ENDPOINT, type EndpointSettings } from '../../../docker-api/index.ts'
import type { Sandbox } from '../../ports.ts'
import type { LocalNetwork } from '../networks/local-network.ts'
import { portMap } from '../ports/published-ports.ts'
import { endpointNames, type SandboxEndpoint, type SandboxRecord } from './sandbox-record.ts'
import type { PlacedEndpoint } from './sandbox-table.ts'

/** An endpoint as `inspect` shows it. */
function endpointSettings(record: SandboxRecord, { endpoint, network }: PlacedEndpoint): EndpointSettings {
  const { Aliases, IPAMConfig, Links, DriverOpts } = endpoint.config
  const { address6, address } = endpoint
  return {
    IPAMConfig: IPAMConfig ?? null,
    Links: Links ?? null,
    Aliases: Aliases ?? null,
    MacAddress: endpoint.mac,
    DriverOpts: DriverOpts ?? null,
    NetworkID: network.id,
    EndpointID: endpoint.endpointId,
    Gateway: network.internal ? '' : network.gateway,
    IPAddress: address,
    IPPrefixLen: parseIpNet(network.subnet).prefix,
    IPv6Gateway: network.internal || address6 === undefined ? '' : (network.ipv6?.gateway ?? ''),
    GlobalIPv6Address: address6 ?? '',
    GlobalIPv6PrefixLen:
      address6 === undefined || network.ipv6 === undefined ? 0 : parseIpNet(network.ipv6.subnet).prefix,
    DNSNames: network.isDefault ? null : endpointNames(record, endpoint),
  }
}

/** On `host` and `none` there is an endpoint in name only. */
function plainSettings({ networkId, endpointId }: SandboxEndpoint): EndpointSettings {
  return { ...EMPTY_ENDPOINT, NetworkID: networkId, EndpointID: endpointId }
}

export interface SandboxPlaces {
  readonly netnsPath: string | undefined
  readonly files: Sandbox['files']
  readonly endpoints: readonly PlacedEndpoint[]
  readonly networkOf: (id: string) => LocalNetwork | undefined
}

export function sandboxView(record: SandboxRecord, { netnsPath, files, endpoints, networkOf }: SandboxPlaces): Sandbox {
  const plain = record.endpoints.filter(({ device }) => device === '')
  return {
    id: record.sandboxId,
    ...(netnsPath === undefined ? {} : { netnsPath }),
    networks: Object.fromEntries([
      ...endpoints.map(placed => [placed.network.name, endpointSettings(record, placed)] as const),
      ...plain.map(endpoint => [networkOf(endpoint.networkId)?.name ?? '', plainSettings(endpoint)] as const),
    ]),
    environment: record.linked ?? [],
    ports: endpoints.length === 0 ? {} : portMap(record.ports, record.request.exposedPorts),
    files,
  }
}
