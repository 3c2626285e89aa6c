import { invalidInput, unsupported } from '../../../core/errors.ts'
import { ipFamily } from '../../../core/ip.ts'

/** The driver options of bridge networks; names and meanings are docker's. */

export const BRIDGE_NAME_OPTION = 'com.docker.network.bridge.name'
const MTU_OPTION = 'com.docker.network.driver.mtu'
const ICC_OPTION = 'com.docker.network.bridge.enable_icc'
const MASQUERADE_OPTION = 'com.docker.network.bridge.enable_ip_masquerade'
const BINDING_OPTION = 'com.docker.network.bridge.host_binding_ipv4'
const BINDING6_OPTION = 'com.docker.network.bridge.host_binding_ipv6'
const PREFIX_OPTION = 'com.docker.network.container_iface_prefix'
const INHIBIT_OPTION = 'com.docker.network.bridge.inhibit_ipv4'

/** Options that would do something here which is not done. Others are kept and mean nothing, as with dockerd. */
const NOT_SUPPORTED = ['com.docker.network.bridge.trusted_host_interfaces', 'com.docker.network.bridge.default_bridge']
const GATEWAY_MODES = ['com.docker.network.bridge.gateway_mode_ipv4', 'com.docker.network.bridge.gateway_mode_ipv6']

/** As Go's strconv.ParseBool reads them. */
const FLAGS: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map(text => [text, true]),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map(text => [text, false]),
])
const MTU_BYTES = { min: 68, min6: 1_280, max: 65_535 } as const
const PREFIX = /^[a-zA-Z][a-zA-Z0-9_-]{0,9}$/

type Options = Readonly<Record<string, string>>

export interface BridgeSettings {
  /** Containers of the network may speak to each other. */
  readonly icc: boolean
  /** Containers leave with the host's address. */
  readonly masquerade: boolean
  /** Host address of published ports that name none. */
  readonly hostBinding: string
  /** Names of containers' devices: `eth` of `eth0`. */
  readonly devicePrefix: string
  /** The host has an address in the network. */
  readonly hasGatewayAddress: boolean
}

/** What the options of a network that was checked mean. */
export function bridgeSettings(options: Options): BridgeSettings {
  const flag = (name: string, absent: boolean): boolean => FLAGS[options[name] ?? ''] ?? absent
  return {
    icc: flag(ICC_OPTION, true),
    masquerade: flag(MASQUERADE_OPTION, true),
    hostBinding: options[BINDING_OPTION] ?? '',
    devicePrefix: options[PREFIX_OPTION] || 'eth',
    hasGatewayAddress: !flag(INHIBIT_OPTION, false),
  }
}

/** Throws for values that cannot be, in dockerd's words where it has some, and for options that are not done here. */
export function checkBridgeOptions(options: Options): void {
  for (const name of [ICC_OPTION, MASQUERADE_OPTION, INHIBIT_OPTION]) {
    const text = options[name]
    if (text === undefined || FLAGS[text] !== undefined) continue
    throw badOption(name, text, `(strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax)`)
  }
  const binding = options[BINDING_OPTION]
  if (binding !== undefined && ipFamily(binding) !== 4) throw badOption(BINDING_OPTION, binding, '(nil ip)')
  if (options[BINDING6_OPTION] !== undefined) {
    throw unsupported('BAD_OPTION', `${BINDING6_OPTION} is not supported: give each published port its address`)
  }
  const prefix = options[PREFIX_OPTION]
  if (prefix !== undefined && prefix !== '' && !PREFIX.test(prefix)) {
    throw badOption(PREFIX_OPTION, prefix, '(expected a letter and at most nine more letters, digits, _ or -)')
  }
  for (const name of NOT_SUPPORTED) {
    if (options[name] !== undefined) throw unsupported('BAD_OPTION', `Network option ${name} is not supported`)
  }
  for (const name of GATEWAY_MODES) {
    if (!['', 'nat', undefined].includes(options[name])) {
      throw unsupported('BAD_OPTION', `Network option ${name}=${options[name]} is not supported: use nat`)
    }
  }
}

/** The MTU asked for, or the engine's. Throws BAD_MTU. */
export function readMtu(options: Options, defaultMtu: number, hasIpv6: boolean): number {
  const text = options[MTU_OPTION]
  if (text === undefined) return defaultMtu
  if (!/^-?\d+$/.test(text)) {
    throw badOption(MTU_OPTION, text, `(strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax)`)
  }
  const mtu = Number(text)
  if (mtu < 0) throw invalidInput('BAD_MTU', `invalid MTU number: ${text}`)
  // Zero is the default, as with dockerd.
  if (mtu === 0) return defaultMtu
  const least = hasIpv6 ? MTU_BYTES.min6 : MTU_BYTES.min
  if (mtu >= least && mtu <= MTU_BYTES.max) return mtu
  throw invalidInput('BAD_MTU', `invalid MTU number: ${text}: expected a number of bytes from ${least} to 65535`)
}

function badOption(name: string, text: string, why: string): Error {
  return invalidInput('BAD_OPTION', `failed to parse ${name} value: ${text} ${why}`)
}
