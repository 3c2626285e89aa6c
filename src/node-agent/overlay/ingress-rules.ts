import type { EndpointRecord, NetworkRecord } from '../../core/model/node.ts'
import type { PortSpec, Protocol } from '../../core/model/service.ts'
import type { ServiceRecord } from '../../core/model/task.ts'
import { type EndpointView, servingOf } from './endpoint-view.ts'

/** One published port of a service and the replicas that answer it: `10.200.1.5 . 80`. */
export interface IngressPort {
  readonly protocol: Protocol
  readonly published: number
  readonly targets: readonly string[]
}

/** The network its replicas are reached on from every host: its first that is not internal. */
export function ingressNetwork(
  service: ServiceRecord,
  networkOf: (name: string) => NetworkRecord | undefined,
): NetworkRecord | undefined {
  if (!service.spec.ports.some(isIngress)) return undefined
  return service.spec.networks
    .map(({ network }) => networkOf(network))
    .find(network => network !== undefined && !network.internal)
}

export function isIngress(port: PortSpec): port is PortSpec & { readonly published: number } {
  return port.mode === 'ingress' && port.published !== undefined
}

/** Every port to answer, in a fixed order. Of two services with one port the older one has it. */
export function planIngress(
  services: readonly ServiceRecord[],
  networkOf: (name: string) => NetworkRecord | undefined,
  view: EndpointView,
): IngressPort[] {
  const planned = new Map<string, IngressPort>()
  const byAge = [...services].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1))
  for (const service of byAge) {
    const network = ingressNetwork(service, networkOf)
    if (network === undefined) continue
    const ofService = view.on(network.name).filter(({ serviceId }) => serviceId === service.id)
    const replicas = servingOf(ofService, view)
      .map(({ address }) => address)
      .sort()
    for (const { protocol, published, target } of service.spec.ports.filter(isIngress)) {
      const key = `${protocol}/${published}`
      if (planned.has(key)) continue
      planned.set(key, { protocol, published, targets: replicas.map(address => `${address} . ${target}`) })
    }
  }
  return [...planned.values()].sort((a, b) => a.published - b.published || (a.protocol < b.protocol ? -1 : 1))
}

/** Addresses of all replicas that get traffic. */
export function targetAddresses(ports: readonly IngressPort[]): ReadonlySet<string> {
  return new Set(ports.flatMap(({ targets }) => targets.map(target => target.split(' ')[0] ?? '')))
}

export interface IngressTable {
  readonly table: string
  readonly ports: readonly IngressPort[]
  /** Bridges of the networks on this host. */
  readonly bridges: readonly string[]
  /** Addresses of this host's own containers. */
  readonly local: readonly EndpointRecord['address'][]
}

function portRule({ protocol, published, targets }: IngressPort): string[] {
  if (targets.length === 0) return []
  const choices = targets.map((target, index) => `${index} : ${target}`).join(', ')
  return [`    ${protocol} dport ${published} dnat ip to numgen random mod ${targets.length} map { ${choices} }`]
}

const elements = (items: readonly string[]): string =>
  items.length === 0 ? '' : ` elements = { ${items.join(', ')} };`

/**
 * The whole table, replacing what is there. A connection to a published port of any address of this host goes to a
 * random replica. One on another host sees this host as its client, for the answer must come back through here; one on
 * this host sees the real client.
 */
export function renderIngress({ table, ports, bridges, local }: IngressTable): string {
  const rules = ports.flatMap(portRule).map(rule => `${rule}\n`)
  return `add table ip ${table}
delete table ip ${table}
table ip ${table} {
  set bridges { type ifname;${elements(bridges.map(bridge => `"${bridge}"`))} }
  set local { type ipv4_addr;${elements(local)} }
  chain publish {
${rules.join('')}  }
  chain prerouting {
    type nat hook prerouting priority dstnat - 5; policy accept;
    fib daddr type local jump publish
  }
  chain output {
    type nat hook output priority -105; policy accept;
    fib daddr type local jump publish
  }
  chain postrouting {
    type nat hook postrouting priority srcnat - 5; policy accept;
    oifname @bridges ct status dnat ip daddr != @local masquerade
    oifname @bridges ct status dnat iifname @bridges masquerade
    oifname @bridges ip saddr 127.0.0.0/8 masquerade
  }
}
`
}
