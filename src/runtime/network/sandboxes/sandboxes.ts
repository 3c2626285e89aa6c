import { conflict, errorMessage, ShoalError } from '../../../core/errors.ts'
import { KeyedLock } from '../../../core/keyed-lock.ts'
import type { Log } from '../../../core/log.ts'
import type { EndpointConfig } from '../../../docker-api/index.ts'
import { forgetConnections } from '../../linux/net/conntrack.ts'
import { allowHairpin, deleteLink, findLink, listLinks } from '../../linux/net/netlink-links.ts'
import { deleteDefaultRoute } from '../../linux/net/netlink-routes.ts'
import type { NetlinkSocket } from '../../linux/net/netlink-socket.ts'
import { createNetworkNamespace } from '../../linux/process/namespaces.ts'
import type { NetworkSandboxes, Sandbox, SandboxRequest } from '../../ports.ts'
import type { DnsServer } from '../dns/dns-server.ts'
import { openResolverSockets, RESOLVER_ADDRESS } from '../dns/resolver-sockets.ts'
import type { Firewall } from '../firewall/firewall.ts'
import { bridgeSettings } from '../networks/bridge-options.ts'
import type { JoinableNetwork, LocalNetwork } from '../networks/local-network.ts'
import type { NetworkTable } from '../networks/network-table.ts'
import type { HostPorts } from '../ports/host-ports.ts'
import { planPorts } from '../ports/published-ports.ts'
import type { StandIn } from '../stand-in/stand-in.ts'
import { allocateEndpoints, linkedVariables } from './allocate-endpoints.ts'
import { checkRequest } from './check-request.ts'
import { diffEndpoints } from './diff-endpoints.ts'
import type { NamespaceFolder } from './namespace-folder.ts'
import { checkEndpoint, planSandbox } from './plan-sandbox.ts'
import { plugIn, prepareNamespace, routeOut, withNetlinkInside } from './plug.ts'
import { isPublishedAlike, portForwards, publishedWay } from './published-way.ts'
import type { SandboxFolders } from './sandbox-folder.ts'
import { addressesOf, type SandboxEndpoint, type SandboxRecord } from './sandbox-record.ts'
import { type PlacedEndpoint, placedEndpoints, type SandboxTable, type WaysOut, waysOut } from './sandbox-table.ts'
import { sandboxView } from './sandbox-view.ts'

/** Told of containers that join (`connect`) and leave (`disconnect`) a network. */
export type NetworkEvents = (action: 'connect' | 'disconnect', network: LocalNetwork, containerId: string) => void

export interface SandboxesPorts {
  readonly netlink: NetlinkSocket
  readonly networks: NetworkTable
  readonly table: SandboxTable
  readonly firewall: Firewall
  readonly hostPorts: HostPorts
  readonly dns: DnsServer
  /** Answers for names when this engine has ended. */
  readonly standIn: Pick<StandIn, 'begin'>
  readonly namespaces: NamespaceFolder
  readonly folders: SandboxFolders
  readonly log: Log
  readonly emit: NetworkEvents
}

/** The network sandboxes of one engine. Their order of work is: record, ports, namespace, devices, files, names, rules. */
export class Sandboxes implements NetworkSandboxes {
  readonly #ports: SandboxesPorts
  readonly #lock = new KeyedLock()

  constructor(ports: SandboxesPorts) {
    this.#ports = ports
  }

  /** Takes back the ports, rules and names of sandboxes of a former life. */
  async adopt(): Promise<void> {
    const { table, hostPorts } = this.#ports
    for (const found of table.all()) {
      const leadsNowhere = found.ports.length > 0 && publishedWay(found, this.#networkOf) === undefined
      const record = leadsNowhere ? table.keep({ ...found, ports: [] }) : found
      await hostPorts.adopt(record.containerId, record.ports)
      this.#noteForwards(record)
      if (this.#isWhole(record)) this.#serveNames(record)
    }
  }

  check(request: SandboxRequest): void {
    checkRequest(request)
    planPorts(request)
  }

  open(request: SandboxRequest): Promise<Sandbox> {
    const { table } = this.#ports
    return this.#lock.run(request.containerId, async () => {
      const existing = table.get(request.containerId)
      if (existing !== undefined && this.#isWhole(existing)) return this.#view(table.keep({ ...existing, request }))
      await this.#tearDown(request.containerId)
      try {
        return this.#view(await this.#build(request))
      } catch (error) {
        await this.#tearDown(request.containerId)
        throw error
      }
    })
  }

  close(containerId: string): Promise<void> {
    return this.#lock.run(containerId, () => this.#tearDown(containerId))
  }

  rename(containerId: string, name: string): void {
    const record = this.#ports.table.get(containerId)
    if (record === undefined) return
    this.#ports.table.keep({ ...record, request: { ...record.request, containerName: name } })
  }

  get(containerId: string): Sandbox | undefined {
    const record = this.#ports.table.get(containerId)
    return record === undefined ? undefined : this.#view(record)
  }

  networkId(reference: string): string | undefined {
    return this.#ports.networks.find(reference)?.id
  }

  async restore(running: readonly SandboxRequest[]): Promise<void> {
    const { table, firewall, namespaces, folders, netlink } = this.#ports
    const wanted = new Map(running.map(request => [request.containerId, request]))
    const onHost = new Set(listLinks(netlink).map(({ name }) => name))
    for (const record of table.all()) {
      const request = wanted.get(record.containerId)
      if (request === undefined) await this.close(record.containerId)
      else await this.#reconcile(table.keep({ ...record, request }), onHost)
    }
    const known = new Set(table.all().flatMap(({ endpoints }) => endpoints.map(({ hostDevice }) => hostDevice)))
    const isOpen = (containerId: string): boolean => table.get(containerId) !== undefined
    namespaces.sweep(isOpen, { netlink, knownDevices: known })
    folders.sweep(isOpen)
    await firewall.apply()
  }

  /** Adds a network to an open sandbox. Throws 403 when it is on it already. */
  connect(containerId: string, network: JoinableNetwork, config: EndpointConfig): Promise<void> {
    const { table, namespaces, hostPorts } = this.#ports
    return this.#lock.run(containerId, async () => {
      const before = this.#openRecord(containerId)
      const { containerName } = before.request
      if (before.kind !== 'private') {
        throw new ShoalError(
          'SHARED_NETWORK',
          400,
          'container sharing network namespace with another container or host cannot be connected to any other network',
        )
      }
      if (before.endpoints.some(endpoint => endpoint.networkId === network.id)) {
        throw new ShoalError(
          'CONNECTED',
          403,
          `endpoint with name ${containerName} already exists in network ${network.name}`,
        )
      }
      checkEndpoint(network, config)
      const used = before.endpoints.map(({ device }) => device)
      const endpoint = table.allocate(containerId, { network, config }, used)
      const joined = table.keep({ ...before, endpoints: [...before.endpoints, endpoint] })
      try {
        const record = await this.#withPorts(joined)
        withNetlinkInside(namespaces.pathOf(containerId), inside => this.#plug(inside, { record, endpoint }))
        await this.#settle(before, record)
        this.#tell('connect', containerId, [endpoint])
      } catch (error) {
        if (before.ports.length === 0) hostPorts.release(containerId)
        const after = table.keep({ ...joined, endpoints: before.endpoints, ports: before.ports })
        this.#noteForwards(after)
        this.#unplug(after, endpoint)
        throw error
      }
    })
  }

  /** Takes a network from an open sandbox. Throws 500, as docker does, when it is not on it. */
  disconnect(containerId: string, networkId: string, networkName: string): Promise<void> {
    const { table, hostPorts } = this.#ports
    return this.#lock.run(containerId, async () => {
      const before = this.#openRecord(containerId)
      const gone = before.endpoints.find(endpoint => endpoint.networkId === networkId)
      if (gone === undefined) {
        throw new ShoalError(
          'NOT_CONNECTED',
          500,
          `container ${containerId} is not connected to network ${networkName}`,
        )
      }
      const left = { ...before, endpoints: before.endpoints.filter(endpoint => endpoint !== gone) }
      const keepsPorts = isPublishedAlike(before, left, this.#networkOf)
      const after = table.keep(keepsPorts ? left : { ...left, ports: [] })
      if (!keepsPorts) hostPorts.release(containerId)
      this.#unplug(after, gone)
      await this.#settle(before, await this.#withPortsIfFree(after))
      this.#tell('disconnect', containerId, [gone])
      if (before.ports.length > 0) forgetConnections(new Set(addressesOf(gone)))
    })
  }

  /** Finishes or undoes a connect or disconnect that was cut off: what the container's own record says is how it was meant. */
  async #reconcile(record: SandboxRecord, onHost: ReadonlySet<string>): Promise<void> {
    const { networks, namespaces, log } = this.#ports
    const { containerId, request } = record
    if (record.kind !== 'private' || !namespaces.has(containerId)) return
    try {
      const plan = planSandbox(request, networks.find)
      if (plan.kind !== 'private') return
      const links = withNetlinkInside(namespaces.pathOf(containerId), inside => listLinks(inside))
      const change = diffEndpoints(record, plan, { inside: new Set(links.map(({ name }) => name)), onHost })
      for (const { networkId } of change.stale) await this.disconnect(containerId, networkId, networkId)
      for (const { network, config } of change.missing) await this.connect(containerId, network, config)
    } catch (error) {
      log.warn(
        { container: containerId, error: errorMessage(error) },
        'cannot bring the networks of a container in order',
      )
    }
  }

  async #build(request: SandboxRequest): Promise<SandboxRecord> {
    const { table, networks, namespaces, folders } = this.#ports
    const { containerId } = request
    const plan = planSandbox(request, networks.find)
    const sandboxId = table.newSandboxId()
    const base = { containerId, sandboxId, kind: plan.kind, request, endpoints: [], ports: [] }
    if (plan.kind === 'shared') return table.keep({ ...base, owner: this.#ownerOf(plan.owner) })
    const linked = linkedVariables(request, plan, table)
    const endpoints = allocateEndpoints(plan, containerId, table)
    const speaksIpv6 = endpoints.some(({ address6 }) => address6 !== undefined)
    const kept = table.keep({ ...base, endpoints, linked, ...(plan.kind === 'host' ? {} : { speaksIpv6 }) })
    if (plan.kind === 'host') {
      folders.write(kept)
      this.#tell('connect', containerId, kept.endpoints)
      return kept
    }
    const record = await this.#withPorts(kept)
    const path = namespaces.pathOf(containerId)
    const inside = createNetworkNamespace(path, () => prepareNamespace(request.sysctls, { speaksIpv6 }))
    try {
      for (const { endpoint } of placedEndpoints(record, this.#networkOf)) this.#plug(inside, { record, endpoint })
    } finally {
      inside.close()
    }
    folders.write(record)
    this.#noteForwards(record)
    if (record.ports.length > 0) await this.#ports.firewall.apply()
    this.#tell('connect', containerId, record.endpoints)
    return this.#serveNames(record)
  }

  #tell(action: 'connect' | 'disconnect', containerId: string, endpoints: readonly SandboxEndpoint[]): void {
    for (const { networkId } of endpoints) {
      const network = this.#ports.networks.find(networkId)
      if (network !== undefined) this.#ports.emit(action, network, containerId)
    }
  }

  /** Takes the host ports that the container wants, once it has a way that leads to them. */
  async #withPorts(record: SandboxRecord): Promise<SandboxRecord> {
    const { table, hostPorts } = this.#ports
    const { containerId, request } = record
    const way = publishedWay(record, this.#networkOf)
    if (way === undefined || record.ports.length > 0) return record
    const wanted = planPorts(request)
    if (wanted.length === 0) return record
    const label = `${request.containerName} (${way.endpoint.endpointId})`
    const defaultIp = bridgeSettings(way.network.options).hostBinding
    return table.keep({ ...record, ports: await hostPorts.reserve(containerId, wanted, { label, defaultIp }) })
  }

  /** As `#withPorts`; nobody is left without a network they could leave because a port is taken. */
  async #withPortsIfFree(record: SandboxRecord): Promise<SandboxRecord> {
    try {
      return await this.#withPorts(record)
    } catch (error) {
      const details = { container: record.containerId, error: errorMessage(error) }
      this.#ports.log.warn(details, 'cannot publish the ports of a container on the network it has left')
      return record
    }
  }

  #ownerOf(reference: string): string {
    const owner = this.#ports.table.find(reference)
    if (owner !== undefined) return owner.owner ?? owner.containerId
    throw conflict('CONTAINER_NOT_RUNNING', `cannot join network of a non running container: ${reference}`)
  }

  #plug(
    inside: NetlinkSocket,
    { record, endpoint }: { readonly record: SandboxRecord; readonly endpoint: SandboxEndpoint },
  ): void {
    const network = this.#networkOf(endpoint.networkId)
    if (network === undefined) return
    plugIn(this.#ports.netlink, inside, {
      netnsPath: this.#ports.namespaces.pathOf(record.containerId),
      network,
      endpoint,
      speaksIpv6: record.speaksIpv6 === true,
      isPublished: record.ports.length > 0,
      ways: waysOut(record, this.#networkOf),
    })
  }

  #unplug(after: SandboxRecord, gone: SandboxEndpoint): void {
    const { netlink, namespaces } = this.#ports
    if (gone.hostDevice !== '') deleteLink(netlink, gone.hostDevice)
    else if (gone.device !== '') {
      withNetlinkInside(namespaces.pathOf(after.containerId), inside => deleteLink(inside, gone.device))
    }
  }

  /** What follows from other networks: routes, files, names, rules. */
  async #settle(before: SandboxRecord, after: SandboxRecord): Promise<void> {
    const { folders, firewall } = this.#ports
    this.#routeOut(after)
    folders.update(before, after)
    this.#noteForwards(after)
    await firewall.apply()
    this.#serveNames(after)
  }

  async #tearDown(containerId: string): Promise<void> {
    const { table, hostPorts, firewall, netlink, dns, namespaces, folders } = this.#ports
    const record = table.get(containerId)
    if (record === undefined) return
    dns.stop(containerId)
    // The kernel removes the devices with the namespace, beside our work; doing it here would hold up the event loop for
    // 30 ms each. A namespace that others joined lives on, so there the devices are taken out.
    const isJoined = table.all().some(({ owner }) => owner === containerId)
    for (const { hostDevice } of isJoined ? record.endpoints : [])
      if (hostDevice !== '') deleteLink(netlink, hostDevice)
    namespaces.remove(containerId)
    folders.remove(containerId)
    hostPorts.release(containerId)
    firewall.setForwards(containerId, [])
    table.forget(containerId)
    this.#tell('disconnect', containerId, record.endpoints)
    if (record.ports.length === 0) return
    await firewall.apply()
    // Senders of datagrams would keep their way to an address where nobody is.
    forgetConnections(new Set(record.endpoints.flatMap(addressesOf)))
  }

  #isWhole({ kind, containerId, owner }: SandboxRecord): boolean {
    if (kind === 'private') return this.#ports.namespaces.has(containerId)
    return kind === 'host' || this.#ports.table.get(owner ?? '') !== undefined
  }

  #openRecord(containerId: string): SandboxRecord {
    const record = this.#ports.table.get(containerId)
    if (record !== undefined) return record
    throw conflict('NO_SANDBOX', `Container ${containerId} is not running`)
  }

  readonly #networkOf = (id: string): JoinableNetwork | undefined => this.#ports.networks.joinableById(id)

  #noteForwards(record: SandboxRecord): void {
    const { firewall, hostPorts } = this.#ports
    hostPorts.setTarget(record.containerId, publishedWay(record, this.#networkOf)?.endpoint.address)
    firewall.setForwards(record.containerId, portForwards(record, this.#networkOf))
  }

  /** After a change the ways out may be others. */
  #routeOut(record: SandboxRecord): void {
    const ways = waysOut(record, this.#networkOf)
    withNetlinkInside(this.#ports.namespaces.pathOf(record.containerId), inside => {
      for (const way of [ways.ipv4, ways.ipv6]) {
        if (way !== undefined) this.#route(inside, { way, ways, isPublished: record.ports.length > 0 })
      }
      if (ways.ipv4 === undefined) deleteDefaultRoute(inside, 4)
    })
  }

  #route(
    inside: NetlinkSocket,
    { way, ways, isPublished }: { readonly way: PlacedEndpoint; readonly ways: WaysOut; readonly isPublished: boolean },
  ): void {
    const { endpoint, network } = way
    const device = findLink(inside, endpoint.device)
    if (device === undefined) return
    routeOut(inside, ways, { endpoint, device })
    if (isPublished && network.driver === 'bridge') allowHairpin(this.#ports.netlink, endpoint.hostDevice)
  }

  /** Answers the container's questions for names, if it asks us. Opening is what takes time: it is done once. */
  #serveNames(record: SandboxRecord): SandboxRecord {
    const { dns, standIn, folders, namespaces, table } = this.#ports
    const { containerId } = record
    if (record.kind !== 'private' || dns.isServing(containerId)) return record
    if (!folders.resolverOf(record).servers.includes(RESOLVER_ADDRESS)) return record
    const sockets = openResolverSockets(namespaces.pathOf(containerId), record.resolver)
    dns.serve(containerId, sockets)
    standIn.begin()
    return table.keep({ ...record, resolver: { udp: sockets.udp.port, tcp: sockets.tcp.port } })
  }

  #view(record: SandboxRecord): Sandbox {
    const { table, networks, namespaces, folders } = this.#ports
    const home = record.kind === 'shared' ? (table.get(record.owner ?? '') ?? record) : record
    return sandboxView(record, {
      netnsPath: home.kind === 'host' ? undefined : namespaces.pathOf(home.containerId),
      files: folders.pathsOf(home.containerId),
      endpoints: placedEndpoints(record, this.#networkOf),
      networkOf: networks.find,
    })
  }
}
