import type { BridgeNetwork } from '../networks/local-network.ts'
import { ANY_ADDRESS, type PublishedPort } from '../ports/published-ports.ts'

/** A published port and the container address it leads to. */
export interface PortForward extends PublishedPort {
  readonly address: string
}

/** Elements of the table's sets and maps: `bridges` -> `"br-1"`, `ports_any` -> `tcp . 80` -> `10.0.0.2 . 8080`. */
export type FirewallElements = ReadonlyMap<FirewallSet, ReadonlyMap<string, string | undefined>>

const SETS = ['bridges', 'same', 'own', 'internal', 'subnets', 'ports_any', 'ports_at'] as const
type FirewallSet = (typeof SETS)[number]

/** What the sets must hold for these networks and ports. */
export function firewallElements(
  networks: readonly Pick<BridgeNetwork, 'bridge' | 'subnet' | 'internal'>[],
  ports: readonly PortForward[],
): FirewallElements {
  const names = (list: typeof networks): Map<string, undefined> =>
    new Map(list.map(({ bridge }) => [`"${bridge}"`, undefined]))
  const forward = ({ address, port }: PortForward): string => `${address} . ${port}`
  const isAny = ({ hostIp }: PortForward): boolean => hostIp === ANY_ADDRESS
  return new Map<FirewallSet, ReadonlyMap<string, string | undefined>>([
    ['bridges', names(networks)],
    ['same', new Map(networks.map(({ bridge }) => [`"${bridge}" . "${bridge}"`, undefined]))],
    ['own', new Map(networks.map(({ bridge, subnet }) => [`${subnet} . "${bridge}"`, undefined]))],
    ['internal', names(networks.filter(({ internal }) => internal))],
    ['subnets', new Map(networks.filter(({ internal }) => !internal).map(({ subnet }) => [subnet, undefined]))],
    ['ports_any', new Map(ports.filter(isAny).map(port => [`${port.protocol} . ${port.hostPort}`, forward(port)]))],
    [
      'ports_at',
      new Map(
        ports
          .filter(port => !isAny(port))
          .map(port => [`${port.hostIp} . ${port.protocol} . ${port.hostPort}`, forward(port)]),
      ),
    ],
  ])
}

const elementText = ([key, value]: readonly [string, string | undefined]): string =>
  value === undefined ? key : `${key} : ${value}`

function elementLines(verb: 'add' | 'delete', table: string, set: FirewallSet, elements: readonly string[]): string[] {
  return elements.length === 0 ? [] : [`${verb} element ip ${table} ${set} { ${elements.join(', ')} }`]
}

/** Commands that lead from `before` to `after` inside the existing table. Empty when nothing differs. */
export function planFirewallChange(table: string, before: FirewallElements, after: FirewallElements): string {
  const lines = SETS.flatMap(set => {
    const old = before.get(set) ?? new Map<string, string | undefined>()
    const now = after.get(set) ?? new Map<string, string | undefined>()
    const gone = [...old].filter(([key, value]) => !now.has(key) || now.get(key) !== value).map(([key]) => key)
    const fresh = [...now].filter(([key, value]) => !old.has(key) || old.get(key) !== value).map(elementText)
    return [...elementLines('delete', table, set, gone), ...elementLines('add', table, set, fresh)]
  })
  return lines.map(line => `${line}\n`).join('')
}

/** The whole table, replacing whatever is there under its name; nft applies it in one step. */
export function renderFirewall(table: string, elements: FirewallElements): string {
  return `${dropFirewall(table)}${tableText(table)}${planFirewallChange(table, new Map(), elements)}`
}

/** Removes the table, there or not. */
export function dropFirewall(table: string): string {
  return `add table ip ${table}\ndelete table ip ${table}\n`
}

/**
 * Rules never change while the engine runs, only the sets do.
 *
 * Published ports are translated for packets to any address of this host, from outside and from the host itself. The
 * sender's address is kept, but for two cases that could not be answered otherwise: a container that comes back to its own
 * network, and 127.0.0.1. Since the bridges route 127.0.0.1 for that, `guard` keeps containers away from it.
 */
function tableText(table: string): string {
  return `table ip ${table} {
  set bridges { type ifname; }
  set same { type ifname . ifname; }
  set own { type ipv4_addr . ifname; flags interval; }
  set internal { type ifname; }
  set subnets { type ipv4_addr; flags interval; }
  map ports_any { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map ports_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  chain publish {
    dnat ip to ip daddr . meta l4proto . th dport map @ports_at
    dnat ip to meta l4proto . th dport map @ports_any
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump publish
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr . oifname @own ct status dnat masquerade
    ip saddr 127.0.0.0/8 oifname @bridges masquerade
    ip saddr @subnets oifname != @bridges masquerade
  }
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
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
