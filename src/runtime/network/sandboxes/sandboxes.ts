import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCidr } from '../../../core/cidr.ts'
import { conflict, notFound } from '../../../core/errors.ts'
import { KeyedLock } from '../../../core/keyed-lock.ts'
import type { EndpointConfig } from '../../../docker-api/index.ts'
import { forgetConnections } from '../../linux/conntrack.ts'
import { createNetworkNamespace, deleteNetworkNamespace, isNetworkNamespace } from '../../linux/namespaces.ts'
import { deleteLink, findLink, listLinks } from '../../linux/netlink-links.ts'
import { setDefaultRoute } from '../../linux/netlink-routes.ts'
import type { NetlinkSocket } from '../../linux/netlink-socket.ts'
import type { NetworkSandboxes, Sandbox, SandboxRequest } from '../../ports.ts'
import type { Firewall } from '../firewall/firewall.ts'
import type { BridgeNetwork } from '../networks/local-network.ts'
import type { NetworkTable } from '../networks/network-table.ts'
import type { HostPorts } from '../ports/host-ports.ts'
import { planPorts } from '../ports/published-ports.ts'
import { plugIn, prepareNamespace, withNetlinkInside } from './devices.ts'
import { checkEndpoint, pickGatewayEndpoint, planSandbox } from './plan-sandbox.ts'
import { chooseResolver, hostsFile, parseResolvConf, resolvConf } from './sandbox-files.ts'
import type { SandboxEndpoint, SandboxRecord } from './sandbox-record.ts'
import { gatewayEndpoint, placedEndpoints, type SandboxTable } from './sandbox-table.ts'
import { sandboxView } from './sandbox-view.ts'

export interface SandboxesOptions {
  /** `network/` below the engine's exec root. */
  readonly folder: string
  readonly devicePrefix: string
}

export interface SandboxesPorts {
  readonly netlink: NetlinkSocket
  readonly networks: NetworkTable
  readonly table: SandboxTable
  readonly firewall: Firewall
  readonly hostPorts: HostPorts
  /** Text of the host's resolv.conf. */
  readonly hostResolver: () => string
}

const HOST_HOSTS = '/etc/hosts'

/** The network sandboxes of one engine. Their order of work is: record, ports, namespace, devices, files, rules. */
export class Sandboxes implements NetworkSandboxes {
  readonly #options: SandboxesOptions
  readonly #ports: SandboxesPorts
  readonly #lock = new KeyedLock()

  constructor(options: SandboxesOptions, ports: SandboxesPorts) {
    this.#options = options
    this.#ports = ports
    mkdirSync(join(options.folder, 'netns'), { recursive: true, mode: 0o700 })
    mkdirSync(join(options.folder, 'files'), { recursive: true, mode: 0o711 })
  }

  /** Takes back the ports and rules of sandboxes of a former life. */
  async adopt(): Promise<void> {
    for (const record of this.#ports.table.all()) {
      await this.#ports.hostPorts.adopt(record.containerId, record.ports)
      this.#noteForwards(record)
    }
  }

  check(request: SandboxRequest): void {
    const { networks, table } = this.#ports
    const plan = planSandbox(request, networks.find)
    planPorts(request)
    if (plan.kind !== 'private') return
    for (const { network, config } of plan.endpoints) table.checkFree(network, config, request.containerId)
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

  get(containerId: string): Sandbox | undefined {
    const record = this.#ports.table.get(containerId)
    return record === undefined ? undefined : this.#view(record)
  }

  async restore(running: readonly SandboxRequest[]): Promise<void> {
    const { table, firewall } = this.#ports
    const wanted = new Map(running.map(request => [request.containerId, request]))
    for (const record of table.all()) {
      const request = wanted.get(record.containerId)
      if (request === undefined) await this.close(record.containerId)
      else table.keep({ ...record, request })
    }
    this.#sweep()
    await firewall.apply()
  }

  /** Adds a network to an open sandbox. Throws 409 when it is on it already. */
  connect(containerId: string, network: BridgeNetwork, config: EndpointConfig): Promise<void> {
    const { table, firewall } = this.#ports
    return this.#lock.run(containerId, async () => {
      const record = this.#openRecord(containerId)
      const { containerName, networkMode } = record.request
      if (record.kind !== 'private' || networkMode === 'none') {
        throw conflict(
          'CANNOT_CONNECT',
          `Container ${containerName} is on network ${networkMode}: it cannot join others`,
        )
      }
      if (record.endpoints.some(endpoint => endpoint.networkId === network.id)) {
        throw conflict('CONNECTED', `endpoint with name ${containerName} already exists in network ${network.name}`)
      }
      checkEndpoint(network, config)
      const used = record.endpoints.map(({ device }) => device)
      const slot = [...used, ''].findIndex((_, index) => !used.includes(`eth${index}`))
      const endpoint = table.allocate(containerId, { network, config }, slot)
      const hasWayOut = gatewayEndpoint(record, this.#networkOf) !== undefined
      table.keep({ ...record, endpoints: [...record.endpoints, endpoint] })
      withNetlinkInside(this.#netnsPath(containerId), inside =>
        this.#plug(inside, { record, endpoint, isWayOut: !hasWayOut && !network.internal }),
      )
      this.#refresh(containerId)
      await firewall.apply()
    })
  }

  /** Takes a network from an open sandbox. Throws 409 when it is not on it. */
  disconnect(containerId: string, network: BridgeNetwork): Promise<void> {
    const { table, firewall, netlink } = this.#ports
    return this.#lock.run(containerId, async () => {
      const record = this.#openRecord(containerId)
      const gone = record.endpoints.find(endpoint => endpoint.networkId === network.id)
      if (gone === undefined) {
        const { containerName } = record.request
        throw conflict('NOT_CONNECTED', `container ${containerName} is not connected to network ${network.name}`)
      }
      deleteLink(netlink, gone.hostDevice)
      const left = table.keep({ ...record, endpoints: record.endpoints.filter(endpoint => endpoint !== gone) })
      this.#routeOut(left)
      this.#refresh(containerId)
      await firewall.apply()
    })
  }

  async #build(request: SandboxRequest): Promise<SandboxRecord> {
    const { table, hostPorts, networks, firewall } = this.#ports
    const { containerId, containerName } = request
    const plan = planSandbox(request, networks.find)
    const wanted = planPorts(request)
    const base = { containerId, kind: plan.kind, request, endpoints: [], ports: [] }
    if (plan.kind === 'shared') return table.keep({ ...base, owner: this.#ownerOf(plan.owner) })
    if (plan.kind === 'host') {
      const record = table.keep(base)
      this.#refresh(containerId)
      return record
    }
    const endpoints = plan.endpoints.map((endpoint, slot) => table.allocate(containerId, endpoint, slot))
    let record = table.keep({ ...base, endpoints })
    const way = gatewayEndpoint(record, this.#networkOf)
    if (way !== undefined && wanted.length > 0) {
      const label = `${containerName} (${way.endpoint.endpointId})`
      record = table.keep({ ...record, ports: await hostPorts.reserve(containerId, wanted, label) })
    }
    const inside = createNetworkNamespace(this.#netnsPath(containerId), () => prepareNamespace(request.sysctls))
    try {
      for (const endpoint of endpoints) {
        this.#plug(inside, { record, endpoint, isWayOut: endpoint === way?.endpoint })
      }
    } finally {
      inside.close()
    }
    this.#refresh(containerId)
    if (record.ports.length > 0) await firewall.apply()
    return record
  }

  #ownerOf(reference: string): string {
    const owner = this.#ports.table.find(reference)
    if (owner !== undefined) return owner.owner ?? owner.containerId
    throw conflict('CONTAINER_NOT_RUNNING', `cannot join network of a non running container: ${reference}`)
  }

  #plug(
    inside: NetlinkSocket,
    { record, endpoint, isWayOut }: { record: SandboxRecord; endpoint: SandboxEndpoint; isWayOut: boolean },
  ): void {
    const network = this.#networkOf(endpoint.networkId)
    if (network === undefined) throw notFound('NO_SUCH_NETWORK', `network ${endpoint.networkId} not found`)
    plugIn(this.#ports.netlink, inside, {
      ...endpoint,
      netnsPath: this.#netnsPath(record.containerId),
      isPublished: record.ports.length > 0,
      bridge: network.bridge,
      mtu: network.mtu,
      prefix: parseCidr(network.subnet).prefix,
      ...(isWayOut ? { gateway: network.gateway } : {}),
    })
  }

  async #tearDown(containerId: string): Promise<void> {
    const { table, hostPorts, firewall, netlink } = this.#ports
    const record = table.get(containerId)
    if (record === undefined) return
    // The kernel removes the devices with the namespace, beside our work; doing it here would hold up the event loop for
    // 30 ms each. A namespace that others joined lives on, so there the devices are taken out.
    const isJoined = table.all().some(({ owner }) => owner === containerId)
    for (const { hostDevice } of isJoined ? record.endpoints : []) deleteLink(netlink, hostDevice)
    deleteNetworkNamespace(this.#netnsPath(containerId))
    rmSync(this.#filesFolder(containerId), { recursive: true, force: true })
    hostPorts.release(containerId)
    firewall.setForwards(containerId, [])
    table.forget(containerId)
    if (record.ports.length === 0) return
    await firewall.apply()
    // Senders of datagrams would keep their way to an address where nobody is.
    forgetConnections(new Set(record.endpoints.map(({ address }) => address)))
  }

  /** Removes devices and namespaces that belong to no sandbox: an earlier life was cut off before or after its record. */
  #sweep(): void {
    const { table, netlink } = this.#ports
    const known = new Set(table.all().flatMap(({ endpoints }) => endpoints.map(({ hostDevice }) => hostDevice)))
    for (const { name } of listLinks(netlink)) {
      if (name.startsWith(this.#options.devicePrefix) && !known.has(name)) deleteLink(netlink, name)
    }
    for (const folder of ['netns', 'files']) {
      for (const entry of readdirSync(join(this.#options.folder, folder))) {
        if (table.get(entry) !== undefined) continue
        if (folder === 'netns') deleteNetworkNamespace(join(this.#options.folder, folder, entry))
        else rmSync(join(this.#options.folder, folder, entry), { recursive: true, force: true })
      }
    }
  }

  #isWhole(record: SandboxRecord): boolean {
    if (record.kind === 'private') return isNetworkNamespace(this.#netnsPath(record.containerId))
    return record.kind === 'host' || this.#ports.table.get(record.owner ?? '') !== undefined
  }

  #openRecord(containerId: string): SandboxRecord {
    const record = this.#ports.table.get(containerId)
    if (record !== undefined) return record
    throw notFound('NO_SANDBOX', `Container ${containerId.slice(0, 12)} is not running`)
  }

  readonly #networkOf = (id: string): BridgeNetwork | undefined => this.#ports.networks.bridgeById(id)

  #noteForwards(record: SandboxRecord): void {
    const address = gatewayEndpoint(record, this.#networkOf)?.endpoint.address
    const forwards = address === undefined ? [] : record.ports.map(port => ({ ...port, address }))
    this.#ports.firewall.setForwards(record.containerId, forwards)
  }

  /** After a disconnect the way out may be another one. */
  #routeOut(record: SandboxRecord): void {
    const way = gatewayEndpoint(record, this.#networkOf)
    if (way === undefined) return
    withNetlinkInside(this.#netnsPath(record.containerId), inside => {
      const device = findLink(inside, way.endpoint.device)
      if (device !== undefined) setDefaultRoute(inside, way.network.gateway, device.index)
    })
  }

  /** Writes the files and notes the rules that follow from a sandbox's record. */
  #refresh(containerId: string): void {
    const record = this.#openRecord(containerId)
    this.#noteForwards(record)
    const { request, kind } = record
    const files = this.#files(containerId)
    const host = this.#ports.hostResolver()
    const placed = placedEndpoints(record, this.#networkOf)
    const addresses = placed.map(({ endpoint }) => endpoint.address)
    mkdirSync(this.#filesFolder(containerId), { recursive: true, mode: 0o711 })
    writeFileSync(files.hostname, `${request.hostname}\n`)
    const isHost = kind === 'host'
    const hostAddress = isHost ? '127.0.0.1' : placed[0]?.network.gateway
    const base = isHost ? { base: readFileSync(HOST_HOSTS, 'utf8') } : {}
    writeFileSync(files.hosts, hostsFile({ request, addresses, hostAddress, ...base }))
    const primary = placed.find(({ network }) => !network.isDefault) ?? pickGatewayEndpoint(placed)
    const resolver = chooseResolver({
      request,
      host: parseResolvConf(host),
      embedded: primary?.network.gateway,
      hasNames: placed.some(({ network }) => !network.isDefault),
      isHost,
    })
    writeFileSync(files.resolvConf, isHost && request.dns.length === 0 ? host : resolvConf(resolver))
  }

  #view(record: SandboxRecord): Sandbox {
    const { table, networks } = this.#ports
    const home = record.kind === 'shared' ? (table.get(record.owner ?? '') ?? record) : record
    const plainName = record.kind === 'host' ? 'host' : record.request.networkMode === 'none' ? 'none' : undefined
    const plain = plainName === undefined ? undefined : networks.find(plainName)
    return sandboxView(record, {
      netnsPath: home.kind === 'host' ? undefined : this.#netnsPath(home.containerId),
      files: this.#files(home.containerId),
      endpoints: placedEndpoints(record, this.#networkOf),
      ...(plain === undefined ? {} : { plain: { name: plain.name, id: plain.id } }),
    })
  }

  #netnsPath(containerId: string): string {
    return join(this.#options.folder, 'netns', containerId)
  }

  #filesFolder(containerId: string): string {
    return join(this.#options.folder, 'files', containerId)
  }

  #files(containerId: string): Sandbox['files'] {
    const folder = this.#filesFolder(containerId)
    return { hostname: join(folder, 'hostname'), hosts: join(folder, 'hosts'), resolvConf: join(folder, 'resolv.conf') }
  }
}
