import { conflict, ShoalError } from '../../../core/errors.ts'
import { formatIp, type IpFamily, parseIp } from '../../../core/ip.ts'
import { newHexId, type Random } from '../../../core/random.ts'
import type { EndpointConfig } from '../../../docker-api/index.ts'
import { macOf, nextAddress } from '../networks/address-pool.ts'
import { bridgeSettings } from '../networks/bridge-options.ts'
import type { JoinableNetwork, SubnetPlan } from '../networks/local-network.ts'
import type { PlannedEndpoint } from './plan-sandbox.ts'
import { addressesOf, type SandboxEndpoint, type SandboxRecord, SandboxRecords } from './sandbox-record.ts'

export interface SandboxTableOptions {
  readonly folder: string
  /** Begins the names of our devices on the host. */
  readonly devicePrefix: string
  readonly random: Random
}

export type NetworkOf = (id: string) => JoinableNetwork | undefined

/** The open sandboxes, and with them who has which address. In memory; each change is on disk before it returns. */
export class SandboxTable {
  readonly #options: SandboxTableOptions
  readonly #disk: SandboxRecords
  readonly #records = new Map<string, SandboxRecord>()
  readonly #lastAddress = new Map<string, string>()

  constructor(options: SandboxTableOptions) {
    this.#options = options
    this.#disk = new SandboxRecords(options.folder)
    for (const record of this.#disk.load()) this.#records.set(record.containerId, record)
  }

  all(): SandboxRecord[] {
    return [...this.#records.values()]
  }

  get(containerId: string): SandboxRecord | undefined {
    return this.#records.get(containerId)
  }

  /** By id, name, or the only id that starts so. */
  find(reference: string): SandboxRecord | undefined {
    const name = reference.replace(/^\//, '')
    const exact = this.#records.get(reference) ?? this.all().find(({ request }) => request.containerName === name)
    if (exact !== undefined) return exact
    const [match, second] = this.all().filter(({ containerId }) => containerId.startsWith(reference))
    return second === undefined ? match : undefined
  }

  keep(record: SandboxRecord): SandboxRecord {
    this.#records.set(record.containerId, record)
    this.#disk.save(record)
    return record
  }

  forget(containerId: string): void {
    this.#records.delete(containerId)
    this.#disk.remove(containerId)
  }

  newSandboxId(): string {
    return newHexId(this.#options.random)
  }

  /** Who is on a network. */
  membersOf(networkId: string): { readonly record: SandboxRecord; readonly endpoint: SandboxEndpoint }[] {
    return this.all().flatMap(record =>
      record.endpoints.filter(endpoint => endpoint.networkId === networkId).map(endpoint => ({ record, endpoint })),
    )
  }

  /** Throws ADDRESS_TAKEN when another container has an address that is asked for. */
  checkFree(network: JoinableNetwork, config: EndpointConfig, containerId: string): void {
    const asked = [askedAddress(config, 4), askedAddress(config, 6)].filter(address => address !== undefined)
    const isTaken = this.membersOf(network.id).some(
      ({ record, endpoint }) =>
        record.containerId !== containerId && addressesOf(endpoint).some(address => asked.includes(address)),
    )
    if (asked.length > 0 && isTaken) throw new ShoalError('ADDRESS_TAKEN', 403, 'Address already in use')
  }

  /**
   * An endpoint with free addresses; taken once it is in a record that is kept, so keep it before anything waits.
   * `usedDevices` are the names of the container's other devices.
   */
  allocate(containerId: string, { network, config }: PlannedEndpoint, usedDevices: readonly string[]): SandboxEndpoint {
    this.checkFree(network, config, containerId)
    const address = askedAddress(config, 4) ?? this.#choose(network, network)
    const address6 =
      network.ipv6 === undefined ? undefined : (askedAddress(config, 6) ?? this.#choose(network, network.ipv6))
    const endpointId = newHexId(this.#options.random)
    const prefix = network.driver === 'bridge' ? bridgeSettings(network.options).devicePrefix : 'eth'
    const slot = [...usedDevices, ''].findIndex((_, index) => !usedDevices.includes(`${prefix}${index}`))
    return {
      networkId: network.id,
      endpointId,
      address,
      ...(address6 === undefined ? {} : { address6 }),
      mac: (config.MacAddress || macOf(address)).toLowerCase(),
      // Never the name of an earlier one, which may not be gone yet. The kernel takes 15 characters.
      hostDevice: network.driver === 'bridge' ? `${this.#options.devicePrefix}${endpointId.slice(0, 9)}` : '',
      device: `${prefix}${slot}`,
      config,
    }
  }

  #choose(network: JoinableNetwork, space: SubnetPlan): string {
    const taken = new Set(this.membersOf(network.id).flatMap(({ endpoint }) => addressesOf(endpoint)))
    const last = `${network.id} ${space.subnet}`
    const address = nextAddress(space, taken, this.#lastAddress.get(last))
    if (address === undefined) {
      const family = space === network ? 'IPv4' : 'IPv6'
      throw conflict(
        'NO_FREE_ADDRESS',
        `no available ${family} addresses on this network's address pools: ${network.name} (${network.id})`,
      )
    }
    this.#lastAddress.set(last, address)
    return address
  }
}

/** The address a container asks for, in its usual text. */
function askedAddress({ IPAMConfig }: EndpointConfig, family: IpFamily): string | undefined {
  const asked = family === 4 ? IPAMConfig?.IPv4Address : IPAMConfig?.IPv6Address
  return asked === undefined || asked === '' ? undefined : formatIp(parseIp(asked))
}

export interface PlacedEndpoint {
  readonly endpoint: SandboxEndpoint
  readonly network: JoinableNetwork
}

/** A sandbox's endpoints with their networks; those in name only left out. */
export function placedEndpoints(record: SandboxRecord, networkOf: NetworkOf): PlacedEndpoint[] {
  return record.endpoints.flatMap(endpoint => {
    const network = networkOf(endpoint.networkId)
    return network === undefined ? [] : [{ endpoint, network }]
  })
}

/** Which endpoints lead out of a sandbox; published ports go through the first. */
export interface WaysOut {
  readonly ipv4?: PlacedEndpoint
  readonly ipv6?: PlacedEndpoint
}

/** Of each family the first endpoint whose network is not internal. */
export function waysOut(record: SandboxRecord, networkOf: NetworkOf): WaysOut {
  const open = placedEndpoints(record, networkOf).filter(({ network }) => !network.internal)
  const ipv4 = open[0]
  const ipv6 = open.find(({ endpoint }) => endpoint.address6 !== undefined)
  return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) }
}
