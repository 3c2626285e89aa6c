import { parseIpNet } from '../../../core/ip.ts'
import type { IpamConfig, NetworkInspect, NetworkMember } from '../../../docker-api/index.ts'
import type { SandboxEndpoint, SandboxRecord } from '../sandboxes/sandbox-record.ts'
import {
  type ConfigNetwork,
  isJoinable,
  type JoinableNetwork,
  type LocalNetwork,
  labelsOf,
  type SubnetPlan,
  shownDriver,
  subnetsOf,
} from './local-network.ts'

interface Member {
  readonly record: SandboxRecord
  readonly endpoint: SandboxEndpoint
}

/** A network as `GET /networks/{id}` shows it. */
export function networkInspect(network: LocalNetwork, members: readonly Member[]): NetworkInspect {
  const joinable = isJoinable(network) ? network : undefined
  const { Options, ...addresses } = network.driver === 'config' ? templateView(network) : addressView(joinable)
  return {
    Name: network.name,
    Id: network.id,
    Created: network.createdAt,
    Scope: 'local',
    Driver: shownDriver(network),
    ...addresses,
    Internal: joinable?.internal ?? false,
    Attachable: joinable?.attachable ?? false,
    Ingress: false,
    ConfigFrom: { Network: joinable?.configFrom ?? '' },
    ConfigOnly: network.driver === 'config',
    Containers: Object.fromEntries(members.map(member => [member.record.containerId, memberView(joinable, member)])),
    Options,
    Labels: labelsOf(network),
  }
}

type Configured = Pick<NetworkInspect, 'EnableIPv6' | 'IPAM' | 'Options'>

function addressView(joinable: JoinableNetwork | undefined): Configured {
  const Config = joinable === undefined ? [] : subnetsOf(joinable).map(ipamConfig)
  return {
    EnableIPv6: joinable?.ipv6 !== undefined,
    IPAM: { Driver: 'default', Options: joinable?.ipamOptions ?? null, Config },
    Options: joinable?.options ?? {},
  }
}

/** As it was asked for: only the networks made of it choose addresses. */
function templateView({ template: { EnableIPv6, IPAM, Options } }: ConfigNetwork): Configured {
  return {
    EnableIPv6: EnableIPv6 === true,
    IPAM: { Driver: IPAM?.Driver || 'default', Options: IPAM?.Options ?? null, Config: IPAM?.Config ?? [] },
    Options: Options ?? {},
  }
}

function ipamConfig({ subnet, gateway, range, auxiliary }: SubnetPlan): IpamConfig {
  return {
    Subnet: subnet,
    ...(range === undefined ? {} : { IPRange: range }),
    Gateway: gateway,
    ...(auxiliary === undefined ? {} : { AuxiliaryAddresses: auxiliary }),
  }
}

function memberView(network: JoinableNetwork | undefined, { record, endpoint }: Member): NetworkMember {
  const withPrefix = (address: string | undefined, subnet: string | undefined): string =>
    address === undefined || address === '' || subnet === undefined ? '' : `${address}/${parseIpNet(subnet).prefix}`
  return {
    Name: record.request.containerName,
    EndpointID: endpoint.endpointId,
    MacAddress: endpoint.mac,
    IPv4Address: withPrefix(endpoint.address, network?.subnet),
    IPv6Address: withPrefix(endpoint.address6, network?.ipv6?.subnet),
  }
}
