import { parseCidr } from '../../../core/cidr.ts'
import type { EndpointSettings } from '../../../docker-api/index.ts'
import type { Sandbox } from '../../ports.ts'
import { portMap } from '../ports/published-ports.ts'
import { endpointNames, type SandboxRecord } from './sandbox-record.ts'
import type { PlacedEndpoint } from './sandbox-table.ts'

/** An endpoint as `inspect` shows it. */
function endpointSettings(record: SandboxRecord, { endpoint, network }: PlacedEndpoint): EndpointSettings {
  const { Aliases, IPAMConfig } = endpoint.config
  return {
    NetworkID: network.id,
    EndpointID: endpoint.endpointId,
    Gateway: network.internal ? '' : network.gateway,
    IPAddress: endpoint.address,
    IPPrefixLen: parseCidr(network.subnet).prefix,
    MacAddress: endpoint.mac,
    Aliases: Aliases ?? null,
    ...(IPAMConfig === undefined ? {} : { IPAMConfig }),
    DNSNames: network.isDefault ? null : endpointNames(record, endpoint),
  }
}

/** On `host` and `none` there is an endpoint in name only. */
function plainSettings(networkId: string): EndpointSettings {
  return {
    NetworkID: networkId,
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    MacAddress: '',
    Aliases: null,
  }
}

export interface SandboxPlaces {
  readonly netnsPath: string | undefined
  readonly files: Sandbox['files']
  readonly endpoints: readonly PlacedEndpoint[]
  /** Id of the `host` or `none` network, for a container on it. */
  readonly plain?: { readonly name: string; readonly id: string }
}

export function sandboxView(record: SandboxRecord, { netnsPath, files, endpoints, plain }: SandboxPlaces): Sandbox {
  const networks = Object.fromEntries(
    endpoints.map(placed => [placed.network.name, endpointSettings(record, placed)] as const),
  )
  return {
    ...(netnsPath === undefined ? {} : { netnsPath }),
    networks: plain === undefined ? networks : { [plain.name]: plainSettings(plain.id) },
    ports: record.kind === 'private' ? portMap(record.ports, record.request.exposedPorts) : {},
    files,
  }
}
