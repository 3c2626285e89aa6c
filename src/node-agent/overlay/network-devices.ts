import { writeFileSync } from 'node:fs'
import { errorCode, failed } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { EndpointRecord, NetworkRecord } from '../../core/model/node.ts'
import type { Engine, NetworkInspect } from '../../docker-api/index.ts'
import { createVxlan, deleteLink, findLink, type Link, listLinks } from '../../runtime/linux/net/netlink-links.ts'
import { addNeighbour, listAddresses, type Neighbour, removeNeighbour } from '../../runtime/linux/net/netlink-routes.ts'
import { NetlinkSocket } from '../../runtime/linux/net/netlink-socket.ts'
import { diffNeighbours, planNeighbours } from './plan-neighbours.ts'

const VXLAN_PORT = 4789
/** What VXLAN puts around a packet: Ethernet, IP, UDP and its own header. */
const VXLAN_OVERHEAD = 50
const MTU_MAX = 1450
const BRIDGE_OPTION = 'com.docker.network.bridge.name'
const MTU_OPTION = 'com.docker.network.driver.mtu'

/** On what the overlay makes in an engine, which is not the engine's users' to remove. */
export const OVERLAY_LABEL = 'shoal.network.vni'

interface MadeNetwork {
  readonly record: NetworkRecord
  readonly bridgeIndex: number
  readonly vxlanIndex: number
  readonly entries: ReadonlyMap<string, Neighbour>
}

export interface NetworkDevicesOptions {
  readonly node: string
  readonly hostAddress: string
}

/** Device names follow from the network's number: two networks on a host never have the same. */
export const bridgeName = ({ vni }: Pick<NetworkRecord, 'vni'>): string => `shb${vni}`
const vxlanName = ({ vni }: Pick<NetworkRecord, 'vni'>): string => `shv${vni}`

/** The cluster's networks on this host: a network of the engine each, and a VXLAN device in its bridge. */
export class NetworkDevices {
  readonly #options: NetworkDevicesOptions
  readonly #engine: Pick<Engine, 'networks'>
  readonly #netlink = new NetlinkSocket()
  readonly #made = new Map<string, MadeNetwork>()
  readonly #lock = new KeyedLock()

  constructor(options: NetworkDevicesOptions, engine: Pick<Engine, 'networks'>) {
    this.#options = options
    this.#engine = engine
  }

  /** Networks that are made, by name. */
  records(): NetworkRecord[] {
    return [...this.#made.values()].map(({ record }) => record)
  }

  find(network: string): NetworkRecord | undefined {
    return this.#made.get(network)?.record
  }

  /** Makes the network with this host's gateway address on it, or takes up what an earlier life made. */
  ensure(record: NetworkRecord, gateway: string): Promise<void> {
    return this.#lock.run(record.name, async () => {
      await this.#ensureEngineNetwork(record, gateway)
      const bridge = findLink(this.#netlink, bridgeName(record))
      if (bridge === undefined) {
        throw failed('NO_BRIDGE', `The engine made network ${record.name} without device ${bridgeName(record)}`)
      }
      // Ingress answers on 127.0.0.1 too, whatever engine made the bridge.
      writeFileSync(`/proc/sys/net/ipv4/conf/${bridge.name}/route_localnet`, '1')
      const vxlan = this.#ensureVxlan(record, bridge)
      // Entries of an earlier life may be there. They are replaced when their station is heard of again; until then
      // they are about addresses that nobody has.
      this.#made.set(record.name, {
        record,
        bridgeIndex: bridge.index,
        vxlanIndex: vxlan.index,
        entries: new Map(),
      })
    })
  }

  /** Tells the kernel where the network's stations on other hosts are. */
  sync(network: string, endpoints: readonly EndpointRecord[]): void {
    const made = this.#made.get(network)
    if (made === undefined) return
    const entries = planNeighbours({ ...made, endpoints, node: this.#options.node })
    const { remove, add } = diffNeighbours(made.entries, entries)
    for (const neighbour of remove) removeNeighbour(this.#netlink, neighbour)
    for (const neighbour of add) addNeighbour(this.#netlink, neighbour)
    this.#made.set(network, { ...made, entries })
  }

  /** Removes the network from this host. Throws while containers are on it. */
  remove(network: Pick<NetworkRecord, 'name'>): Promise<void> {
    return this.#lock.run(network.name, async () => {
      const made = this.#made.get(network.name)
      await removeEngineNetwork(this.#engine, network.name)
      if (made !== undefined) deleteLink(this.#netlink, vxlanName(made.record))
      this.#made.delete(network.name)
    })
  }

  close(): void {
    this.#netlink.close()
  }

  async #ensureEngineNetwork(record: NetworkRecord, gateway: string): Promise<void> {
    const { networks } = this.#engine
    const existing = await inspectNetwork(this.#engine, record.name)
    if (existing !== undefined && isAsWanted(existing, record, gateway)) return
    if (existing !== undefined) await removeEngineNetwork(this.#engine, record.name)
    await networks.create({
      Name: record.name,
      Driver: 'bridge',
      Internal: record.internal,
      IPAM: { Config: [{ Subnet: record.subnet, Gateway: gateway }] },
      Options: { [BRIDGE_OPTION]: bridgeName(record), [MTU_OPTION]: String(this.#mtu()) },
      Labels: { ...record.labels, [OVERLAY_LABEL]: String(record.vni) },
    })
  }

  #ensureVxlan(record: NetworkRecord, bridge: Link): Link {
    const name = vxlanName(record)
    const alias = `shoal vxlan ${record.vni} from ${this.#options.hostAddress}`
    const existing = findLink(this.#netlink, name)
    if (existing?.master === bridge.index && existing.alias === alias) return existing
    deleteLink(this.#netlink, name)
    createVxlan(this.#netlink, {
      name,
      alias,
      vni: record.vni,
      port: VXLAN_PORT,
      local: this.#options.hostAddress,
      mtu: this.#mtu(),
      master: bridge.index,
    })
    const made = findLink(this.#netlink, name)
    if (made === undefined) throw failed('NO_VXLAN', `Device ${name} vanished while network ${record.name} was made`)
    return made
  }

  /** What fits into a packet of the device that has the host's address. */
  #mtu(): number {
    const { linkIndex } =
      listAddresses(this.#netlink).find(({ address }) => address === this.#options.hostAddress) ?? {}
    const underlay = listLinks(this.#netlink).find(({ index }) => index === linkIndex)
    return Math.min(MTU_MAX, (underlay?.mtu ?? MTU_MAX + VXLAN_OVERHEAD) - VXLAN_OVERHEAD)
  }
}

async function inspectNetwork(engine: Pick<Engine, 'networks'>, name: string): Promise<NetworkInspect | undefined> {
  // By list: an id that begins like the name is no match.
  const found = await engine.networks.list({ filters: { name: [name] } })
  return found.find(network => network.Name === name)
}

function isAsWanted(existing: NetworkInspect, record: NetworkRecord, gateway: string): boolean {
  const [config] = existing.IPAM.Config
  return (
    config?.Subnet === record.subnet &&
    config.Gateway === gateway &&
    existing.Internal === record.internal &&
    existing.Options[BRIDGE_OPTION] === bridgeName(record)
  )
}

async function removeEngineNetwork(engine: Pick<Engine, 'networks'>, name: string): Promise<void> {
  const existing = await inspectNetwork(engine, name)
  if (existing === undefined) return
  try {
    await engine.networks.remove(existing.Id)
  } catch (error) {
    if (errorCode(error) !== 'NO_SUCH_NETWORK') throw error
  }
}
