import { invalidInput, notFound } from '../../../core/errors.ts'
import type { EndpointConfig } from '../../../docker-api/index.ts'
import type { SandboxRequest } from '../../ports.ts'
import { refuseAddress } from '../networks/address-pool.ts'
import type { BridgeNetwork, LocalNetwork } from '../networks/local-network.ts'

export interface PlannedEndpoint {
  readonly network: BridgeNetwork
  readonly config: EndpointConfig
}

export type SandboxPlan =
  | { readonly kind: 'host' }
  | { readonly kind: 'shared'; readonly owner: string }
  /** A namespace of its own. The first endpoint is the primary one. Without endpoints: `none`. */
  | { readonly kind: 'private'; readonly endpoints: readonly PlannedEndpoint[] }

export type FindNetwork = (reference: string) => LocalNetwork | undefined

/** Which networks a container joins. Throws what can be known before anything is made. */
export function planSandbox(request: SandboxRequest, find: FindNetwork): SandboxPlan {
  const { networkMode, endpoints } = request
  if (networkMode === 'host') return { kind: 'host' }
  if (networkMode === 'none') return { kind: 'private', endpoints: [] }
  if (networkMode.startsWith('container:')) return { kind: 'shared', owner: networkMode.slice('container:'.length) }
  const isUnsaid = networkMode === '' || networkMode === 'default'
  const primary = isUnsaid ? 'bridge' : networkMode
  // A mode that was not given gives way to the networks that were.
  const names = isUnsaid && Object.keys(endpoints).length > 0 ? [] : [primary]
  const planned = new Map<string, PlannedEndpoint>()
  for (const name of [...names, ...Object.keys(endpoints)]) {
    const network = find(name === 'default' ? 'bridge' : name)
    if (network === undefined) throw notFound('NO_SUCH_NETWORK', `network ${name} not found`)
    if (network.driver !== 'bridge') {
      throw invalidInput('BAD_NETWORK_MODE', `A container cannot join network ${name} together with others`)
    }
    const config = endpoints[name] ?? planned.get(network.id)?.config ?? {}
    checkEndpoint(network, config)
    planned.set(network.id, { network, config })
  }
  return { kind: 'private', endpoints: [...planned.values()] }
}

/** Throws when the network cannot give the container what it asks for, whoever else is on it. */
export function checkEndpoint(network: BridgeNetwork, config: EndpointConfig): void {
  const mac = config.MacAddress
  if (mac !== undefined && mac !== '' && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) {
    throw invalidInput('BAD_MAC', `"${mac}" is no MAC address: expected six pairs of hexadecimal digits`)
  }
  const address = config.IPAMConfig?.IPv4Address
  if (address === undefined || address === '') return
  if (network.isDefault) {
    throw invalidInput('NO_STATIC_ADDRESS', 'user specified IP address is supported on user defined networks only')
  }
  const refusal = refuseAddress(network, address)
  if (refusal !== undefined) {
    throw invalidInput('BAD_ADDRESS', `Address ${address} cannot be used on network ${network.name}: ${refusal}`)
  }
}

/** The endpoint with the way out: the first whose network is not internal. */
export function pickGatewayEndpoint<T extends { readonly network: Pick<BridgeNetwork, 'internal'> }>(
  endpoints: readonly T[],
): T | undefined {
  return endpoints.find(({ network }) => !network.internal)
}
