import { conflict } from '../../../core/errors.ts'
import { newHexId, type Random } from '../../../core/random.ts'
import type { EndpointConfig } from '../../../docker-api/index.ts'
import { macOf, nextAddress } from '../networks/address-pool.ts'
import type { BridgeNetwork } from '../networks/local-network.ts'
import { type PlannedEndpoint, pickGatewayEndpoint } from './plan-sandbox.ts'
import { type SandboxEndpoint, type SandboxRecord, SandboxRecords } from './sandbox-record.ts'

export interface SandboxTableOptions {
  readonly folder: string
  /** Begins the names of our devices on the host. */
  readonly devicePrefix: string
  readonly random: Random
}

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

  /** Who is on a network. */
  membersOf(networkId: string): { readonly record: SandboxRecord; readonly endpoint: SandboxEndpoint }[] {
    return this.all().flatMap(record =>
      record.endpoints.filter(endpoint => endpoint.networkId === networkId).map(endpoint => ({ record, endpoint })),
    )
  }

  /** Throws ADDRESS_TAKEN when another container has the address that is asked for. */
  checkFree(network: BridgeNetwork, config: EndpointConfig, containerId: string): void {
    const asked = config.IPAMConfig?.IPv4Address
    if (asked === undefined || asked === '') return
    const holder = this.membersOf(network.id).find(({ endpoint }) => endpoint.address === asked)?.record
    if (holder === undefined || holder.containerId === containerId) return
    throw conflict(
      'ADDRESS_TAKEN',
      `Address already in use: ${asked} belongs to container ${holder.request.containerName}`,
    )
  }

  /** An endpoint with a free address; taken once it is in a record that is kept, so keep it before anything waits. */
  allocate(containerId: string, { network, config }: PlannedEndpoint, slot: number): SandboxEndpoint {
    this.checkFree(network, config, containerId)
    const taken = new Set(this.membersOf(network.id).map(({ endpoint }) => endpoint.address))
    const asked = config.IPAMConfig?.IPv4Address
    const address = asked || nextAddress(network, taken, this.#lastAddress.get(network.id))
    if (address === undefined) {
      throw conflict('NO_FREE_ADDRESS', `no available IPv4 addresses on network ${network.name} (${network.subnet})`)
    }
    if (!asked) this.#lastAddress.set(network.id, address)
    const endpointId = newHexId(this.#options.random)
    return {
      networkId: network.id,
      endpointId,
      address,
      mac: config.MacAddress || macOf(address),
      // Never the name of an earlier one, which may not be gone yet. The kernel takes 15 characters.
      hostDevice: `${this.#options.devicePrefix}${endpointId.slice(0, 9)}`,
      device: `eth${slot}`,
      config,
    }
  }
}

/** The endpoint a sandbox's way out and its published ports go through. */
export function gatewayEndpoint(
  record: SandboxRecord,
  networkOf: (id: string) => BridgeNetwork | undefined,
): PlacedEndpoint | undefined {
  return pickGatewayEndpoint(placedEndpoints(record, networkOf))
}

export interface PlacedEndpoint {
  readonly endpoint: SandboxEndpoint
  readonly network: BridgeNetwork
}

/** A sandbox's endpoints with their networks. */
export function placedEndpoints(
  record: SandboxRecord,
  networkOf: (id: string) => BridgeNetwork | undefined,
): PlacedEndpoint[] {
  return record.endpoints.flatMap(endpoint => {
    const network = networkOf(endpoint.networkId)
    return network === undefined ? [] : [{ endpoint, network }]
  })
}
