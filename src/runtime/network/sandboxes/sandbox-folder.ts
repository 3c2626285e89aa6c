import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sandbox } from '../../ports.ts'
import type { NetworkTable } from '../networks/network-table.ts'
import { parseLink } from './links.ts'
import {
  chooseResolver,
  hostsFile,
  parseResolvConf,
  type ResolverConfig,
  resolvConf,
  updateHosts,
} from './sandbox-files.ts'
import { addressesOf, type SandboxRecord } from './sandbox-record.ts'
import { placedEndpoints, type SandboxTable } from './sandbox-table.ts'

const HOST_HOSTS = '/etc/hosts'
/** A container may write its /etc/hosts full; we read no more of it than this. */
const HOSTS_BYTES_MAX = 1024 * 1024

export interface SandboxFoldersPorts {
  readonly networks: NetworkTable
  readonly table: SandboxTable
  /** Text of the host's resolv.conf. */
  readonly hostResolver: () => string
}

/** The files of each container that are bound over /etc/hostname, /etc/hosts and /etc/resolv.conf. */
export class SandboxFolders {
  readonly #folder: string
  readonly #ports: SandboxFoldersPorts

  constructor(folder: string, ports: SandboxFoldersPorts) {
    this.#folder = folder
    this.#ports = ports
    mkdirSync(folder, { recursive: true, mode: 0o711 })
  }

  pathsOf(containerId: string): Sandbox['files'] {
    const folder = join(this.#folder, containerId)
    return { hostname: join(folder, 'hostname'), hosts: join(folder, 'hosts'), resolvConf: join(folder, 'resolv.conf') }
  }

  /** Writes all of a fresh sandbox's files. */
  write(record: SandboxRecord): void {
    const paths = this.pathsOf(record.containerId)
    mkdirSync(join(this.#folder, record.containerId), { recursive: true, mode: 0o711 })
    writeFileSync(paths.hostname, `${record.request.hostname}\n`)
    writeFileSync(paths.hosts, this.#hosts(record))
    writeFileSync(paths.resolvConf, this.#resolvConf(record))
  }

  /** Brings the files of a running container in line with its networks; what it wrote into them itself stays. */
  update(before: SandboxRecord, after: SandboxRecord): void {
    const paths = this.pathsOf(after.containerId)
    const [old, now] = [before, after].map(({ endpoints }) => endpoints.flatMap(addressesOf))
    const change = {
      gone: (old ?? []).filter(address => !now?.includes(address)),
      fresh: (now ?? []).filter(address => !old?.includes(address)),
      request: after.request,
    }
    if (statSync(paths.hosts).size <= HOSTS_BYTES_MAX) {
      writeFileSync(paths.hosts, updateHosts(readFileSync(paths.hosts, 'utf8'), change))
    }
    const isUntouched =
      statSync(paths.resolvConf).size <= HOSTS_BYTES_MAX &&
      readFileSync(paths.resolvConf, 'utf8') === this.#resolvConf(before)
    if (isUntouched) writeFileSync(paths.resolvConf, this.#resolvConf(after))
  }

  remove(containerId: string): void {
    rmSync(join(this.#folder, containerId), { recursive: true, force: true })
  }

  /** Removes what belongs to no sandbox. */
  sweep(isOpen: (containerId: string) => boolean): void {
    for (const containerId of readdirSync(this.#folder)) if (!isOpen(containerId)) this.remove(containerId)
  }

  /** The servers a container asks, the engine's own among them or not. */
  resolverOf(record: SandboxRecord): ResolverConfig {
    const placed = placedEndpoints(record, id => this.#ports.networks.joinableById(id))
    return chooseResolver({
      request: record.request,
      host: parseResolvConf(this.#ports.hostResolver()),
      hasNames: placed.some(({ network }) => !network.isDefault),
      canServe: record.kind === 'private' && placed.length > 0,
      isHost: record.kind === 'host',
    })
  }

  #resolvConf(record: SandboxRecord): string {
    const { dns, dnsSearch, dnsOptions } = record.request
    const isHosts = record.kind === 'host' && dns.length + dnsSearch.length + dnsOptions.length === 0
    return isHosts ? this.#ports.hostResolver() : resolvConf(this.resolverOf(record))
  }

  #hosts(record: SandboxRecord): string {
    const { request, kind } = record
    const isHost = kind === 'host'
    const { networks } = this.#ports
    const [first] = placedEndpoints(record, id => networks.joinableById(id))
    const host = networks.bridges().find(({ isDefault }) => isDefault) ?? first?.network
    return hostsFile({
      request,
      addresses: record.endpoints.flatMap(addressesOf),
      hostAddress: isHost ? (host?.gateway ?? '127.0.0.1') : host?.gateway,
      ...(isHost ? { base: readFileSync(HOST_HOSTS, 'utf8') } : {}),
      links: this.#linkLines(record),
    })
  }

  /** Of the links on the default network: `172.17.0.2  alias c1 4f2a…`. */
  #linkLines({ request }: SandboxRecord): string[] {
    const { networks, table } = this.#ports
    const home = networks.bridges().find(({ isDefault }) => isDefault)
    return (request.links ?? []).flatMap(link => {
      const { target, alias } = parseLink(link)
      const other = table.find(target)
      const endpoint = other?.endpoints.find(({ networkId }) => networkId === home?.id)
      if (other === undefined || endpoint === undefined) return []
      const { containerId, request: its } = other
      const names = [...new Set([alias, containerId.slice(0, 12), its.containerName])]
      return [`${endpoint.address}\t${names.join(' ')}`]
    })
  }
}
