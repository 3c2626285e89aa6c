import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import { NetlinkSocket } from '../linux/net/netlink-socket.ts'
import type { NameSource, NetworkSandboxes } from '../ports.ts'
import { dnsScope } from './dns/dns-scope.ts'
import { type DnsScope, DnsServer } from './dns/dns-server.ts'
import { readHostResolver } from './dns/host-resolver.ts'
import { Firewall } from './firewall/firewall.ts'
import type { AddressPool } from './networks/address-pool.ts'
import { DEFAULT_MTU, type DefaultBridgeOptions, ensureDefaults } from './networks/default-networks.ts'
import type { JoinableNetwork } from './networks/local-network.ts'
import { type LocalNetworks, networkOperations } from './networks/network-operations.ts'
import { NetworkTable } from './networks/network-table.ts'
import { HostPorts } from './ports/host-ports.ts'
import { ensureBridge, removeBridge, writeSysctl } from './sandboxes/bridge-device.ts'
import type { BridgeOwner } from './sandboxes/bridge-owner.ts'
import { NamespaceFolder } from './sandboxes/namespace-folder.ts'
import { SandboxFolders } from './sandboxes/sandbox-folder.ts'
import { SandboxTable } from './sandboxes/sandbox-table.ts'
import { type NetworkEvents, Sandboxes } from './sandboxes/sandboxes.ts'
import { stackIdentity } from './stack-identity.ts'
import { StandIn } from './stand-in/stand-in.ts'
import type { StandInPlaces } from './stand-in/stand-in-program.ts'

/** There if the kernel speaks IPv6. */
const IPV6_ADDRESSES = '/proc/net/if_inet6'

export interface NetworkStackOptions extends DefaultBridgeOptions {
  /** Tells this engine's devices and rules from those of other engines in the same network namespace. */
  readonly engineName: string
  /** The engine's own roots; the stack keeps to `network/` below each. */
  readonly dataRoot: string
  readonly execRoot: string
  /** Where subnets are taken from for networks that ask for none; absent: dockerd's pools. */
  readonly addressPools?: readonly AddressPool[]
  /** False: the kernel's forwarding is left as it is (dockerd's `--ip-forward=false`). */
  readonly forwardPackets?: boolean
  /** False: no packet filter rule is ever written (dockerd's `--iptables=false`). */
  readonly manageFirewall: boolean
}

export interface NetworkStackPorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly names?: NameSource
  readonly emit?: NetworkEvents
}

export interface NetworkStack {
  readonly sandboxes: NetworkSandboxes
  readonly networks: LocalNetworks
  /** From now on the DNS server asks `source` before its own containers. */
  readonly setNameSource: (source: NameSource) => void
  /** Stops serving names and lets go of host ports; what running containers use stays. If none run, nothing does. */
  readonly close: () => Promise<void>
}

/** Opens the engine's networks: makes the bridges that are missing and finds the sandboxes of a former life. */
export async function createNetworkStack(
  options: NetworkStackOptions,
  { emit = () => {}, ...base }: NetworkStackPorts,
): Promise<NetworkStack> {
  const { clock, random, log } = base
  const identity = stackIdentity(options)
  const execFolder = join(options.execRoot, 'network')
  const networksFolder = join(options.dataRoot, 'network', 'networks')
  const netlink = new NetlinkSocket()
  const hasIpv6 = existsSync(IPV6_ADDRESSES)
  const networks = await NetworkTable.open(networksFolder, log)
  const table = new SandboxTable({
    folder: join(execFolder, 'sandboxes'),
    devicePrefix: identity.devicePrefix,
    random,
  })
  const firewall = new Firewall({ table: identity.table, manage: options.manageFirewall, hasIpv6 }, { clock, log })
  const hostPorts = new HostPorts({ clock, log, hasIpv6 })
  const { dns, standIn, setNameSource } = nameService({ execFolder, networksFolder }, { ...base, table, networks })
  const namespaces = new NamespaceFolder(join(execFolder, 'netns'), identity.devicePrefix)
  const folders = new SandboxFolders(join(execFolder, 'files'), { networks, table, hostResolver: readHostResolver })
  const owner = { dataRoot: options.dataRoot, devicePrefix: identity.devicePrefix }
  const parts = { owner, netlink, networks, table, firewall, hostPorts, dns, standIn, namespaces, folders, log, emit }
  const sandboxes = new Sandboxes(parts)
  const close = async (): Promise<void> => {
    dns.close()
    standIn.close({ isNeeded: table.all().length > 0 })
    hostPorts.close()
    try {
      if (table.all().length === 0) await leaveHost(parts)
    } finally {
      netlink.close()
    }
  }
  try {
    await ensureDefaults(options, { netlink, networks, random, createdAt: new Date(clock.nowMs()).toISOString() })
    if (options.manageFirewall && options.forwardPackets !== false) writeSysctl('net/ipv4/ip_forward', '1')
    for (const network of networks.bridges()) {
      ensureBridge(netlink, network, owner)
      firewall.setNetwork(network)
    }
    await standIn.endEarlier()
    await sandboxes.adopt()
    await firewall.apply()
  } catch (error) {
    await close().catch((cause: unknown) =>
      log.warn({ error: errorMessage(cause) }, 'cannot undo half-opened networks'),
    )
    throw error
  }
  return {
    sandboxes,
    networks: networkOperations({
      ...parts,
      sandboxes,
      clock,
      random,
      defaultMtu: options.mtu ?? DEFAULT_MTU,
      seed: identity.table,
      ...(options.addressPools === undefined ? {} : { addressPools: options.addressPools }),
    }),
    setNameSource,
    close,
  }
}

/** Who answers for names while the engine runs, and after it. */
function nameService(
  places: StandInPlaces,
  {
    table,
    networks,
    names,
    ...base
  }: NetworkStackPorts & { readonly table: SandboxTable; readonly networks: NetworkTable },
): Pick<NetworkStack, 'setNameSource'> & { readonly dns: DnsServer; readonly standIn: StandIn } {
  let source = names
  const networkOf = (id: string): JoinableNetwork | undefined => networks.joinableById(id)
  const scopePorts = { table, networkOf, outside: () => source, hostResolver: readHostResolver }
  const scopeOf = (containerId: string): DnsScope => dnsScope(containerId, scopePorts)
  const usedNetworks = (): string[] =>
    networks.all().flatMap(({ id, name }) => (table.membersOf(id).length === 0 ? [] : [name]))
  const standIn = new StandIn(places, { ...base, networks: usedNetworks })
  return {
    dns: new DnsServer({ ready: () => source?.ready, scopeOf }, base),
    standIn,
    setNameSource: next => {
      source = next
      standIn.follow(next)
    },
  }
}

/** Without containers nothing of the engine needs to stay: the next one makes its bridges and rules anew. */
async function leaveHost({
  netlink,
  networks,
  firewall,
  owner,
}: {
  readonly owner: BridgeOwner
  readonly netlink: NetlinkSocket
  readonly networks: NetworkTable
  readonly firewall: Firewall
}): Promise<void> {
  for (const network of networks.bridges()) removeBridge(netlink, network, owner)
  await firewall.drop()
}
