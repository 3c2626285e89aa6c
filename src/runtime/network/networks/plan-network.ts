import { conflict, invalidInput, ShoalError, unsupported } from '../../../core/errors.ts'
import { type IpNet, parseIpNet } from '../../../core/ip.ts'
import type { NetworkCreateRequest } from '../../../docker-api/index.ts'
import type { AddressPool } from './address-pool.ts'
import { BRIDGE_NAME_OPTION, checkBridgeOptions, readMtu } from './bridge-options.ts'
import { configOf, planConfig, withConfig } from './config-network.ts'
import { planLan } from './lan-options.ts'
import {
  type BridgeNetwork,
  type ConfigNetwork,
  isJoinable,
  isPredefined,
  type JoinableNetwork,
  type LocalNetwork,
  subnetsOf,
} from './local-network.ts'
import { planSubnets, refuseSwarmFields } from './plan-subnets.ts'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
const NAME_CHARS_MAX = 255
const DEVICE_NAME = /^[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,14}$/

export interface NetworkSurroundings {
  readonly existing: readonly LocalNetwork[]
  /** Networks the host has routes to. */
  readonly routed: readonly IpNet[]
  readonly defaultMtu: number
  readonly id: string
  readonly createdAt: string
  /** Tells this engine's own IPv6 subnets from others'. */
  readonly seed: string
  readonly addressPools?: readonly AddressPool[]
}

/** Decides everything about a new network; throws what dockerd would refuse, in its words where clients read them. */
export function planNetwork(
  request: NetworkCreateRequest,
  around: NetworkSurroundings,
): JoinableNetwork | ConfigNetwork {
  checkName(request.Name, around.existing)
  if (request.ConfigOnly === true) return planConfig(request, around)
  refuseSwarmFields(request)
  const planned = planJoinable(withConfig(request, around.existing), around)
  const configFrom = configOf(request)
  return configFrom === '' ? planned : { ...planned, configFrom }
}

function planJoinable(request: NetworkCreateRequest, around: NetworkSurroundings): JoinableNetwork {
  switch (request.Driver ?? '') {
    case '':
    case 'default':
    case 'bridge':
      return planBridge(request, around)
    case 'macvlan':
      return { ...commonPlan(request, around), ...planLan(request) }
    case 'ipvlan':
      throw unsupported('UNKNOWN_DRIVER', 'Network driver ipvlan is not supported: use macvlan')
    case 'host':
    case 'null':
      throw new ShoalError('ONE_INSTANCE', 403, `only one instance of "${request.Driver}" network is allowed`)
    case 'overlay':
      throw new ShoalError(
        'NOT_A_SWARM',
        503,
        'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      )
    default:
      throw new ShoalError('UNKNOWN_DRIVER', 404, `plugin "${request.Driver}" not found`)
  }
}

/**
 * The device of a network that nobody named one for: a prefix of ours and as much of its id as the kernel's 15 characters hold. Docker's
 * `br-` is what people's own bridges begin with, too, and whoever lets our networks pass a packet filter would let those pass.
 */
export function bridgeNameOf(id: string): string {
  return `shoal-${id.slice(0, 9)}`
}

/** A bridge network that `request` describes; its name is not looked at. */
export function planBridge(request: NetworkCreateRequest, around: NetworkSurroundings): BridgeNetwork {
  const options = request.Options ?? {}
  checkBridgeOptions(options)
  const bridge = options[BRIDGE_NAME_OPTION] || bridgeNameOf(around.id)
  if (!DEVICE_NAME.test(bridge)) {
    throw invalidInput('BAD_DEVICE_NAME', `"${bridge}" cannot name a device: use at most 15 letters, digits, _ . and -`)
  }
  const user = around.existing.find(other => other.driver === 'bridge' && other.bridge === bridge)
  if (user !== undefined) {
    throw new ShoalError(
      'BRIDGE_TAKEN',
      403,
      `cannot create network ${around.id} (${bridge}): conflicts with network ${user.id} (${bridge}): networks have same bridge name`,
    )
  }
  return { ...commonPlan(request, around), driver: 'bridge', bridge }
}

function commonPlan(request: NetworkCreateRequest, around: NetworkSurroundings) {
  const used = around.existing.filter(isJoinable).flatMap(subnetsOf)
  const addresses = planSubnets(request, { ...around, used: used.map(({ subnet }) => parseIpNet(subnet)) })
  const ipamOptions = request.IPAM?.Options ?? undefined
  return {
    id: around.id,
    name: request.Name,
    createdAt: around.createdAt,
    ...addresses,
    mtu: readMtu(request.Options ?? {}, around.defaultMtu, addresses.ipv6 !== undefined),
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    isDefault: false,
    options: request.Options ?? {},
    ...(ipamOptions === undefined ? {} : { ipamOptions }),
    labels: request.Labels ?? {},
  }
}

function checkName(name: string, existing: readonly LocalNetwork[]): void {
  if (!NAME.test(name) || name.length > NAME_CHARS_MAX) {
    throw invalidInput(
      'BAD_NETWORK_NAME',
      `invalid name: "${name}" cannot name a network: use letters, digits, _ . and -`,
    )
  }
  if (isPredefined(name) || name === 'default') {
    throw new ShoalError('PREDEFINED_NETWORK', 403, `operation is not permitted on predefined ${name} network `)
  }
  if (existing.some(network => network.name === name)) {
    throw conflict('NETWORK_EXISTS', `network with name ${name} already exists`)
  }
}
