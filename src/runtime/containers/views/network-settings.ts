import { EMPTY_ENDPOINT, type EndpointSettings, type NetworkSettings } from '../../../docker-api/index.ts'
import type { NetworkSandboxes } from '../../ports.ts'
import { joinedNetworks } from '../network-membership.ts'
import type { ContainerRecord } from '../record.ts'

type Sandboxes = Pick<NetworkSandboxes, 'get' | 'networkId'>

/** `NetworkSettings` of `GET /containers/{id}/json`. Every field is there, set or not, as clients in typed languages want it. */
export function networkSettings(sandboxes: Sandboxes, record: ContainerRecord): NetworkSettings {
  const sandbox = sandboxes.get(record.id)
  const networks = networksOf(sandboxes, record)
  const isShared = record.networkMode.startsWith('container:')
  const { id = '', netnsPath = '', ports = {} } = isShared || sandbox === undefined ? {} : sandbox
  // What older clients read: of the default network alone, as dockerd has it.
  const home = { ...EMPTY_ENDPOINT, ...networks['bridge'] }
  return {
    Bridge: '',
    SandboxID: id,
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: ports,
    SandboxKey: netnsPath,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: home.EndpointID,
    Gateway: home.Gateway,
    GlobalIPv6Address: home.GlobalIPv6Address,
    GlobalIPv6PrefixLen: home.GlobalIPv6PrefixLen,
    IPAddress: home.IPAddress,
    IPPrefixLen: home.IPPrefixLen,
    IPv6Gateway: home.IPv6Gateway,
    MacAddress: home.MacAddress,
    Networks: networks,
  }
}

/**
 * What the container has on its networks now; before and between runs, which networks it will join. As with Docker, ids of
 * networks are there from the first run on: clients compare them to see whether a network was replaced.
 */
export function networksOf(sandboxes: Sandboxes, record: ContainerRecord): Readonly<Record<string, EndpointSettings>> {
  const sandbox = sandboxes.get(record.id)
  if (sandbox !== undefined) return sandbox.networks
  return Object.fromEntries(
    joinedNetworks(record).map(name => {
      const { IPAMConfig, Links, Aliases, MacAddress, DriverOpts } = record.endpoints[name] ?? {}
      const settings: EndpointSettings = {
        ...EMPTY_ENDPOINT,
        IPAMConfig: IPAMConfig ?? null,
        Links: Links ?? null,
        Aliases: Aliases ?? null,
        MacAddress: MacAddress ?? '',
        DriverOpts: DriverOpts ?? null,
        NetworkID: record.lastRun === undefined ? '' : (sandboxes.networkId(name) ?? ''),
      }
      return [name, settings]
    }),
  )
}

/** `HostConfig.NetworkMode`: what the container was made with, whatever it joined and left since. */
export function shownNetworkMode({ networkMode, host }: ContainerRecord): string {
  return networkMode.startsWith('container:') ? networkMode : host.NetworkMode || 'default'
}
