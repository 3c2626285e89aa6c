import { cidrSize, formatIpv4, parseCidr } from '../../core/cidr.ts'
import { hashOf } from '../../core/digest.ts'
import { errorMessage } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { EndpointRecord, MemberRecord, NetworkRecord } from '../../core/model/node.ts'
import type { PortSpec } from '../../core/model/service.ts'
import type { ServiceRecord } from '../../core/model/task.ts'
import {
  type CacheChange,
  CachedPrefix,
  type Codec,
  endpointCodec,
  memberCodec,
  networkCodec,
  serviceCodec,
} from '../../discovery/index.ts'
import type { NameSource } from '../../runtime/index.ts'
import type { AgentPorts, ClaimedAddress, ContainerOverlay, Overlay, TaskEndpoint } from '../ports.ts'
import { tryAll } from '../try-all.ts'
import { EndpointIndex } from './endpoint-index.ts'
import { clusterNames, type EndpointView } from './endpoint-view.ts'
import { Ingress } from './ingress.ts'
import { ingressNetwork, isIngress, planIngress } from './ingress-rules.ts'
import { bridgeName, NetworkDevices } from './network-devices.ts'
import { macFor, OwnEndpoints } from './own-endpoints.ts'
import { PeerProbe, type ProbeTransport, probePackets } from './peer-probe.ts'
import { Reconciler } from './reconciler.ts'
import { PROBE_PORT, udpTransport } from './udp-transport.ts'

export interface OverlayOptions {
  /** The node's name. */
  readonly node: string
  /** This host's address as the others reach it: source of VXLAN packets and of peer probes. */
  readonly hostAddress: string
}

export interface OverlayPorts extends Pick<AgentPorts, 'store' | 'keys' | 'clock' | 'random' | 'log'> {
  readonly engine: Pick<AgentPorts['engine'], 'networks'>
  /** Default: UDP between the hosts' addresses. */
  readonly transport?: ProbeTransport
}

/**
 * This host's part of the networks that span hosts. A container joins with `EndpointsConfig[network] = { IPAMConfig:
 * { IPv4Address: address }, MacAddress: mac }` on the engine's network of the same name.
 */
export interface ClusterOverlay extends Overlay {
  readonly containers: ContainerOverlay
  /** Resolves when endpoints, networks and services were read once; then follows them until `close`. */
  readonly start: (signal?: AbortSignal) => Promise<void>
  /** The cluster's names, for the engine's DNS server (`engine.setNameSource`). */
  readonly names: NameSource
  /** Stops watching and probing; networks, rules and addresses stay for the containers that run. */
  readonly close: () => Promise<void>
}

export function createOverlay(options: OverlayOptions, ports: OverlayPorts): ClusterOverlay {
  return new HostOverlay(options, ports)
}

class HostOverlay implements ClusterOverlay {
  readonly names: NameSource
  readonly #options: OverlayOptions
  readonly #ports: OverlayPorts
  readonly #own: OwnEndpoints
  readonly #others: EndpointIndex
  readonly #devices: NetworkDevices
  readonly #probe: PeerProbe
  readonly #ingress: Ingress
  readonly #reconciler: Reconciler
  readonly #lock = new KeyedLock()
  /** Networks whose record was there, or must have been: only of those does its absence mean that they are gone. */
  readonly #seen = new Set<string>()
  readonly #view: EndpointView
  readonly #namesListeners: (() => void)[] = []
  readonly #caches: { readonly close: () => void }[] = []
  #endpoints: CachedPrefix<EndpointRecord> | undefined
  #networks: CachedPrefix<NetworkRecord> | undefined
  #services: CachedPrefix<ServiceRecord> | undefined
  #members: CachedPrefix<MemberRecord> | undefined

  constructor(options: OverlayOptions, ports: OverlayPorts) {
    const { store, keys, clock, log } = ports
    this.#options = options
    this.#ports = ports
    this.#own = new OwnEndpoints(ports)
    this.#others = new EndpointIndex(options.node)
    this.#devices = new NetworkDevices(options, ports.engine)
    this.#ingress = new Ingress(`shoal-ingress-${hashOf([keys.root, options.node]).slice(0, 5)}`, { clock, log })
    this.#reconciler = new Reconciler(() => this.#reconcile(), { clock, log })
    this.#probe = new PeerProbe({
      transport: ports.transport ?? udpTransport(options.hostAddress, log),
      clock,
      cluster: keys.root,
      askWitness: () => store.get(keys.meta),
      isMember: host => this.#isMember(host),
      onChange: suspected => {
        log.info({ suspected: [...suspected] }, 'hosts that do not answer are left out')
        this.#reconciler.wake()
      },
    })
    this.#view = {
      on: network => [...this.#own.on(network), ...this.#others.on(network)],
      suspected: () => this.#probe.suspected,
      isTended: host => host === options.hostAddress || this.#isMember(host),
    }
    const { ping: ask, pong: answer } = probePackets(keys.root)
    this.names = {
      ...clusterNames(this.#view),
      pulse: { address: options.hostAddress, port: PROBE_PORT, ask, answer },
      onChange: listener => void this.#namesListeners.push(listener),
    }
  }

  async start(signal?: AbortSignal): Promise<void> {
    const { store, keys, clock, log } = this.#ports
    const follow = <T>(prefix: string, codec: Codec<T>): CachedPrefix<T> => {
      const cache = new CachedPrefix({ store, prefix, codec, clock, log })
      // From now on: a start that is cut short leaves none that asks a closed store for ever.
      this.#caches.push(cache)
      return cache
    }
    const endpoints = follow(keys.endpoints, endpointCodec)
    endpoints.onChange(changes => this.#followEndpoints(changes))
    const networks = follow(keys.networks, networkCodec)
    networks.onChange(changes => {
      for (const change of changes) if (change.type === 'put') this.#seen.add(change.entry.value.name)
      this.#reconciler.wake()
    })
    const services = follow(keys.services, serviceCodec)
    services.onChange(this.#reconciler.wake)
    const members = follow(keys.members, memberCodec)
    members.onChange(this.#reconciler.wake)
    this.#endpoints = endpoints
    this.#members = members
    await Promise.all([endpoints, networks, services, members].map(cache => cache.ready(signal)))
    for (const entry of endpoints.entries()) if (entry.value.node === this.#options.node) this.#own.adopt(entry)
    for (const { network } of this.#own.all()) this.#seen.add(network)
    this.#networks = networks
    this.#services = services
    await this.#probe.start()
    this.#reconciler.wake()
  }

  ensureNetwork(network: NetworkRecord): Promise<void> {
    return this.#lock.run(network.name, async () => {
      const made = this.#devices.find(network.name)
      if (made?.vni === network.vni && made.subnet === network.subnet) return
      // Another network had the name before.
      if (made !== undefined) await this.#remove(network.name)
      const gateway = this.#own.on(network.name).find(({ kind }) => kind === 'gateway') ?? (await this.#claim(network))
      await this.#devices.ensure(network, gateway.address)
      this.#reconciler.wake()
    })
  }

  claimAddress(network: NetworkRecord, endpoint: TaskEndpoint): Promise<ClaimedAddress> {
    return this.#lock.run(network.name, async () => {
      const existing = this.#ofTask(endpoint.taskId).find(record => record.network === network.name)
      const { address, mac } = existing ?? (await this.#claim(network, endpoint))
      return { address, mac }
    })
  }

  async takePorts(ports: readonly PortSpec[]): Promise<void> {
    for (const port of ports.filter(isIngress)) await this.#ingress.take(port)
  }

  async publishTask(taskId: string, { healthy }: { readonly healthy: boolean }): Promise<void> {
    const changed = this.#ofTask(taskId).filter(record => record.kind === 'reserved' || record.healthy !== healthy)
    const updates = changed.map(record => {
      const kind = record.kind === 'container' ? 'container' : 'task'
      return this.#own.update({ ...record, kind, healthy })
    })
    this.#reconciler.wake()
    await Promise.all(updates)
  }

  async releaseTask(taskId: string): Promise<void> {
    const releases = this.#ofTask(taskId).map(record => this.#own.release(record))
    this.#reconciler.wake()
    await Promise.all(releases)
    this.#reconciler.wake()
  }

  async releaseAllBut(taskIds: ReadonlySet<string>): Promise<void> {
    const tasks = this.#own.all().filter(({ kind }) => kind !== 'gateway' && kind !== 'container')
    const leftovers = tasks.filter(({ taskId }) => !taskIds.has(taskId ?? ''))
    for (const record of leftovers) await this.#own.release(record)
    this.#reconciler.wake()
  }

  async removeNetworks(names: readonly string[]): Promise<void> {
    // It would bring back what is removed.
    await this.#reconciler.close()
    await this.#ingress.apply({ ports: [], bridges: [], local: [] })
    const present = new Set([...names, ...this.#devices.records().map(({ name }) => name)])
    await tryAll([...present], name => this.#lock.run(name, () => this.#remove(name)))
  }

  readonly containers: ContainerOverlay = {
    networkOf: name => this.#networkOf(name),
    ensureNetwork: network => this.ensureNetwork(network),
    claimAddress: (network, endpoint) => this.claimAddress(network, endpoint),
    publishTask: (owner, state) => this.publishTask(owner, state),
    releaseTask: owner => this.releaseTask(owner),
    owners: () => [...new Set(this.#own.all().flatMap(each => (each.kind === 'container' ? [each.taskId ?? ''] : [])))],
    change: async (owner, { owner: taskId = owner, names = before => before }) => {
      const changed = this.#ofTask(owner).map(record => ({ ...record, taskId, names: names(record.names) }))
      const updates = changed.map(record => this.#own.update(record))
      this.#reconciler.wake()
      await Promise.all(updates)
    },
    leave: async (owner, network) => {
      const left = this.#ofTask(owner).filter(record => record.network === network)
      const releases = left.map(record => this.#own.release(record))
      this.#reconciler.wake()
      await Promise.all(releases)
      this.#reconciler.wake()
    },
  }

  async close(): Promise<void> {
    this.#probe.close()
    for (const cache of this.#caches) cache.close()
    await this.#reconciler.close()
    this.#ingress.close()
    this.#devices.close()
  }

  /** The task's addresses, those included whose claim was written though its reply was lost. */
  #ofTask(taskId: string): EndpointRecord[] {
    const held = new Set(this.#own.all().map(({ network, address }) => this.#ports.keys.endpoint(network, address)))
    for (const entry of this.#endpoints?.entries() ?? []) {
      const { node, taskId: owner } = entry.value
      if (node === this.#options.node && owner === taskId && !held.has(entry.key)) this.#own.adopt(entry)
    }
    return this.#own.all().filter(record => record.taskId === taskId)
  }

  /** For a task, or without one for this node's gateway. */
  #claim(network: NetworkRecord, task?: TaskEndpoint): Promise<EndpointRecord> {
    const { node, hostAddress } = this.#options
    const taken = new Set(this.#view.on(network.name).map(({ address }) => address))
    // The first address is what people, and engines that are not told otherwise, expect the gateway to be.
    const { base } = parseCidr(network.subnet)
    if (cidrSize(parseCidr(network.subnet)) > 4) taken.add(formatIpv4(base + 1))
    return this.#own.claim(network, taken, address => ({
      network: network.name,
      address,
      mac: macFor(address),
      node,
      hostAddress,
      kind: kindOf(task),
      names: task?.names ?? [],
      ...(task === undefined ? {} : { taskId: task.taskId }),
      ...(task?.serviceId === undefined ? {} : { serviceId: task.serviceId }),
      healthy: false,
    }))
  }

  #followEndpoints(changes: readonly CacheChange<EndpointRecord>[]): void {
    this.#others.apply(changes)
    for (const change of changes) {
      // Someone took us for dead and cleaned up, but here we are.
      if (change.type !== 'delete' || change.before.value.node !== this.#options.node) continue
      this.#own
        .reassert(change.key)
        .catch((error: unknown) =>
          this.#ports.log.warn({ key: change.key, error: errorMessage(error) }, 'cannot write our endpoint again'),
        )
    }
    this.#reconciler.wake()
  }

  readonly #networkOf = (name: string): NetworkRecord | undefined =>
    this.#networks?.get(this.#ports.keys.network(name))?.value

  async #reconcile(): Promise<void> {
    if (this.#networks === undefined || this.#services === undefined) return
    for (const tell of this.#namesListeners) tell()
    await this.#dropGoneNetworks()
    const services = this.#services.values()
    for (const network of this.#wantedNetworks(services)) await this.ensureNetwork(network)
    const records = this.#devices.records()
    for (const { name } of records) this.#devices.sync(name, this.#view.on(name))
    this.#probe.setPeers(this.#peers(records))
    await this.#ingress.apply({
      ports: planIngress(services, this.#networkOf, this.#view),
      bridges: records.map(bridgeName),
      local: records
        .flatMap(({ name }) => this.#own.on(name))
        .flatMap(({ kind, address }) => (kind === 'gateway' ? [] : [address])),
    })
  }

  /** Networks this host has a part in already, and those whose services it answers for. */
  #wantedNetworks(services: readonly ServiceRecord[]): NetworkRecord[] {
    const joined = this.#own.all().map(({ network }) => this.#networkOf(network))
    const answered = services.map(service => ingressNetwork(service, this.#networkOf))
    return [...new Set([...joined, ...answered])].flatMap(network => (network === undefined ? [] : [network]))
  }

  async #dropGoneNetworks(): Promise<void> {
    for (const name of this.#seen) {
      if (this.#networkOf(name) !== undefined) continue
      // Its last containers may still be on their way out.
      if (this.#own.on(name).some(({ kind }) => kind !== 'gateway')) continue
      await this.#lock.run(name, () => this.#remove(name))
      this.#seen.delete(name)
    }
  }

  async #remove(name: string): Promise<void> {
    await this.#devices.remove({ name })
    for (const record of this.#own.on(name)) if (record.kind === 'gateway') await this.#own.release(record)
  }

  /** Before anybody is a member, as when this node comes first after all were down, nothing is known of anybody. */
  #isMember(host: string): boolean {
    const members = this.#members?.values() ?? []
    return members.length === 0 || members.some(({ address }) => address === host)
  }

  #peers(networks: readonly NetworkRecord[]): ReadonlySet<string> {
    const hosts = networks.flatMap(({ name }) => this.#others.on(name).map(({ hostAddress }) => hostAddress))
    return new Set(hosts.filter(host => host !== this.#options.hostAddress))
  }
}

function kindOf(task: TaskEndpoint | undefined): EndpointRecord['kind'] {
  if (task === undefined) return 'gateway'
  return task.serviceId === undefined ? 'container' : 'reserved'
}
