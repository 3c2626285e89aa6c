import { type IpFamily, ipFamily } from '../../../core/ip.ts'
import { bridgeSettings } from '../networks/bridge-options.ts'
import type { BridgeNetwork } from '../networks/local-network.ts'
import { ANY_ADDRESS, ANY_ADDRESS6, type PublishedPort } from '../ports/published-ports.ts'

/** A published port and the container addresses it leads to. */
export interface PortForward extends PublishedPort {
  readonly address: string
  readonly address6?: string
}

export type FirewallNetwork = Pick<BridgeNetwork, 'bridge' | 'subnet' | 'internal' | 'ipv6' | 'options'>

/** Elements of the table's sets and maps: `bridges` -> `"br-1"`, `ports_any` -> `tcp . 80` -> `10.0.0.2 . 8080`. */
export type FirewallElements = ReadonlyMap<FirewallSet, ReadonlyMap<string, string | undefined>>

const SETS = ['bridges', 'same', 'own', 'internal', 'subnets', 'ports_any', 'ports_at'] as const
type FirewallSet = (typeof SETS)[number]

/** What differs between the two tables. */
const FAMILIES = {
  4: { table: 'ip', any: ANY_ADDRESS, loopback: '127.0.0.0/8', addressType: 'ipv4_addr' },
  6: { table: 'ip6', any: ANY_ADDRESS6, loopback: '::1', addressType: 'ipv6_addr' },
} as const

const subnetOf = (network: FirewallNetwork, family: IpFamily): string | undefined =>
  family === 4 ? network.subnet : network.ipv6?.subnet

/** What the sets of one family's table must hold for these networks and ports. */
export function firewallElements(
  family: IpFamily,
  networks: readonly FirewallNetwork[],
  ports: readonly PortForward[],
): FirewallElements {
  const names = (list: typeof networks): Map<string, undefined> =>
    new Map(list.map(({ bridge }) => [`"${bridge}"`, undefined]))
  const placed = networks.flatMap(network => {
    const subnet = subnetOf(network, family)
    return subnet === undefined ? [] : [{ ...network, subnet }]
  })
  const hidden = placed.filter(({ internal, options }) => !internal && bridgeSettings(options).masquerade)
  const forwards = ports.flatMap(port => {
    const address = family === 4 ? port.address : port.address6
    return address === undefined || ipFamily(port.hostIp) !== family
      ? []
      : [{ ...port, to: `${address} . ${port.port}` }]
  })
  const isAny = ({ hostIp }: PortForward): boolean => hostIp === FAMILIES[family].any
  return new Map<FirewallSet, ReadonlyMap<string, string | undefined>>([
    ['bridges', names(networks)],
    ['same', new Map(networks.map(({ bridge }) => [`"${bridge}" . "${bridge}"`, undefined]))],
    ['own', new Map(placed.map(({ bridge, subnet }) => [`${subnet} . "${bridge}"`, undefined]))],
    ['internal', names(networks.filter(({ internal }) => internal))],
    ['subnets', new Map(hidden.map(({ subnet }) => [subnet, undefined]))],
    ['ports_any', new Map(forwards.filter(isAny).map(port => [`${port.protocol} . ${port.hostPort}`, port.to]))],
    [
      'ports_at',
      new Map(
        forwards
          .filter(port => !isAny(port))
          .map(port => [`${port.hostIp} . ${port.protocol} . ${port.hostPort}`, port.to]),
      ),
    ],
  ])
}

const elementText = ([key, value]: readonly [string, string | undefined]): string =>
  value === undefined ? key : `${key} : ${value}`

/** Commands that lead from `before` to `after` inside the existing table. Empty when nothing differs. */
export function planFirewallChange(
  family: IpFamily,
  table: string,
  { before, after }: { readonly before: FirewallElements; readonly after: FirewallElements },
): string {
  const elementLines = (verb: 'add' | 'delete', set: FirewallSet, elements: readonly string[]): string[] =>
    elements.length === 0
      ? []
      : [`${verb} element ${FAMILIES[family].table} ${table} ${set} { ${elements.join(', ')} }\n`]
  return SETS.flatMap(set => {
    const old = before.get(set) ?? new Map<string, string | undefined>()
    const now = after.get(set) ?? new Map<string, string | undefined>()
    const gone = [...old].filter(([key, value]) => !now.has(key) || now.get(key) !== value).map(([key]) => key)
    const fresh = [...now].filter(([key, value]) => !old.has(key) || old.get(key) !== value).map(elementText)
    return [...elementLines('delete', set, gone), ...elementLines('add', set, fresh)]
  }).join('')
}

/** The whole table, replacing whatever is there under its name; nft applies it in one step. */
export function renderFirewall(family: IpFamily, table: string, elements: FirewallElements): string {
  const change = planFirewallChange(family, table, { before: new Map(), after: elements })
  return `${dropFirewall(family, table)}${tableText(family, table)}${change}`
}

/** Removes the table, there or not. */
export function dropFirewall(family: IpFamily, table: string): string {
  const name = `${FAMILIES[family].table} ${table}`
  return `add table ${name}\ndelete table ${name}\n`
}

/**
 * Rules never change while the engine runs, only the sets do.
 *
 * Published ports are translated for packets to any address of this host, from outside and from the host itself. The
 * sender's address is kept, but for two cases that could not be answered otherwise: a container that comes back to its own
 * network, and 127.0.0.1. Since the bridges route 127.0.0.1 for that, `guard` keeps containers away from it. The kernel
 * routes ::1 nowhere: what is sent there is left to the socket that holds the port.
 */
function tableText(family: IpFamily, name: string): string {
  const { table, loopback, addressType } = FAMILIES[family]
  const local = family === 4 ? 'fib daddr type local' : `${table} daddr != ${loopback} fib daddr type local`
  const hideLoopback = family === 4 ? `ip saddr ${loopback} oifname @bridges masquerade` : ''
  return `table ${table} ${name} {
  set bridges { type ifname; }
  set same { type ifname . ifname; }
  set own { type ${addressType} . ifname; flags interval; }
  set internal { type ifname; }
  set subnets { type ${addressType}; flags interval; }
  map ports_any { type inet_proto . inet_service : ${addressType} . inet_service; }
  map ports_at { type ${addressType} . inet_proto . inet_service : ${addressType} . inet_service; }
  chain publish {
    dnat ${table} to ${table} daddr . meta l4proto . th dport map @ports_at
    dnat ${table} to meta l4proto . th dport map @ports_any
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ${local} jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ${local} jump publish
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${table} saddr . oifname @own ct status dnat masquerade
    ${hideLoopback}
    ${table} saddr @subnets oifname != @bridges masquerade
  }
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ${table} daddr ${loopback} drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname . oifname @same accept
    iifname @internal drop
    oifname @internal drop
    oifname @bridges ct state established,related accept
    oifname @bridges ct status dnat accept
    oifname @bridges drop
  }
}
`
}
