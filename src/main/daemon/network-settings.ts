import { badFlag, type Options } from '../../cli/index.ts'
import { formatIp, type IpNet, ipFamily, ipNetContains, ipNetSize, parseIp, parseIpNet } from '../../core/ip.ts'
import type { EngineOptions } from '../../runtime/index.ts'
import { nonEmpty, optional, readOne, readText, wholeNumber } from './read-flag.ts'

const MTU_BYTES = { min: 68, max: 65_535 } as const
const ONE_FILTER = 'Cannot use --ip6tables other than --iptables: IPv4 and IPv6 are filtered together'
/** A bridge needs an address besides those that name the network and everybody in it. */
const BRIDGE_PREFIX_MAX = 30

type NetworkSettings = Omit<
  EngineOptions,
  'name' | 'dataRoot' | 'execRoot' | 'labels' | 'insecureRegistries' | 'registryMirrors'
>

/** Reads the flags of networks. Throws BAD_FLAG. */
export function networkSettings(options: Options): NetworkSettings {
  const mtu = wholeNumber(options, { option: 'mtu', flag: 'mtu', ...MTU_BYTES })
  const fixedCidr = subnet(options, 'fixedCidr', 'fixed-cidr', 4)
  const fixedCidr6 = subnet(options, 'fixedCidrV6', 'fixed-cidr-v6', 6)
  const bridge = bridgeName(options)
  const bip = options.text('bip')
  if (bip !== undefined) checkBip(bip)
  if (bip !== undefined && fixedCidr !== undefined) checkInside(fixedCidr, bip)
  if (fixedCidr !== undefined && bip === undefined && bridge === undefined) {
    throw badFlag(`Cannot use --fixed-cidr "${fixedCidr}" alone: say which subnet it is a part of with --bip`)
  }
  if (options.flag('ipv6') !== (fixedCidr6 !== undefined)) {
    throw badFlag('Cannot use --ipv6 without --fixed-cidr-v6, or that without --ipv6: give both')
  }
  const manageFirewall = options.choice('iptables') ?? true
  if (!manageFirewall && options.choice('ip6tables') === true) throw badFlag(ONE_FILTER)
  if (manageFirewall && options.choice('ip6tables') === false) throw badFlag(ONE_FILTER)
  return {
    ...optional('bridge', bridge),
    ...optional('bip', bip),
    // Zero is the default, as with dockerd.
    ...optional('mtu', mtu),
    ...optional('fixedCidr', fixedCidr),
    ...optional('fixedCidr6', fixedCidr6),
    ...optional('icc', options.choice('icc')),
    ...optional('masquerade', options.choice('ipMasq')),
    ...optional('hostBinding', hostAddress(options)),
    ...optional('forwardPackets', options.choice('ipForward')),
    ...optional('addressPools', nonEmpty(options.list('defaultAddressPool').map(readPool))),
    manageFirewall,
  }
}

function bridgeName(options: Options): string | undefined {
  const expected = '1 to 15 letters, digits, dots and dashes'
  // A longer name is not a name of a network interface to the kernel.
  return readText(options, { option: 'bridge', flag: 'bridge', expected }, name =>
    /^[\w.-]{1,15}$/.test(name) ? name : undefined,
  )
}

/** The bridge's own address in its subnet; dockerd refuses the same ones. */
function checkBip(text: string): void {
  const expected = 'an IPv4 address and its prefix, such as 172.17.0.1/16'
  const net = readOne(text, { flag: 'bip', expected }, readIpv4Net)
  const address = parseIp(text.split('/')[0] ?? '')
  if (net.prefix > BRIDGE_PREFIX_MAX) {
    throw badFlag(`Cannot use --bip "${text}": there is no room for containers; use a prefix of /30 or shorter`)
  }
  const last = net.base + ipNetSize(net) - 1n
  if (address.value !== net.base && address.value !== last) return
  const first = formatIp({ family: 4, value: net.base + 1n })
  const what = address.value === net.base ? 'names the network' : 'is everybody in the network'
  throw badFlag(
    `Cannot use --bip "${text}": the address ${what}; give the bridge one in it, such as ${first}/${net.prefix}`,
  )
}

function readIpv4Net(text: string): IpNet | undefined {
  if (!text.includes('/')) return undefined
  const net = parseIpNet(text)
  return net.family === 4 ? net : undefined
}

function checkInside(range: string, bip: string): void {
  const [inner, outer] = [parseIpNet(range), parseIpNet(bip)]
  const start = { family: inner.family, value: inner.base }
  if (ipNetContains(outer, start) && inner.prefix >= outer.prefix) return
  throw badFlag(`Cannot use --fixed-cidr "${range}": it is not inside the subnet of --bip ${bip}`)
}

function subnet(options: Options, option: string, flag: string, family: 4 | 6): string | undefined {
  const expected = family === 4 ? 'a subnet, such as 172.17.5.0/24' : 'an IPv6 subnet, such as fd00:5::/64'
  return readText(options, { option, flag, expected }, text =>
    text.includes('/') && parseIpNet(text).family === family ? text : undefined,
  )
}

function hostAddress(options: Options): string | undefined {
  return readText(options, { option: 'ip', flag: 'ip', expected: 'an IPv4 address of this host' }, text =>
    ipFamily(text) === 4 ? text : undefined,
  )
}

/** `base=10.10.0.0/16,size=24`. */
function readPool(text: string): { readonly base: string; readonly size: number } {
  const expected = 'base=<IPv4 subnet>,size=<prefix>, such as base=10.10.0.0/16,size=24'
  return readOne(text, { flag: 'default-address-pool', expected }, written => {
    const fields = new Map(written.split(',').map(field => field.split(/=(.*)/s, 2) as [string, string]))
    const [base = '', size] = [fields.get('base'), Number(fields.get('size'))]
    const net = readIpv4Net(base)
    const isUsable = net !== undefined && Number.isInteger(size) && size >= net.prefix && size <= BRIDGE_PREFIX_MAX
    return isUsable && fields.size === 2 ? { base, size } : undefined
  })
}
