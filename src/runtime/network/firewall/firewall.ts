import type { Clock } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import type { IpFamily } from '../../../core/ip.ts'
import type { Log } from '../../../core/log.ts'
import { runNft } from '../../linux/net/nft.ts'
import type { BridgeNetwork } from '../networks/local-network.ts'
import {
  dropFirewall,
  type FirewallElements,
  firewallElements,
  type PortForward,
  planFirewallChange,
  renderFirewall,
} from './firewall-rules.ts'

export interface FirewallOptions {
  readonly table: string
  /** False: nothing is ever written. */
  readonly manage: boolean
  readonly hasIpv6: boolean
}

const BOTH = [4, 6] as const

/** The engine's nftables tables, one a family. Changes that come together are written together. */
export class Firewall {
  readonly #options: FirewallOptions
  readonly #ports: { readonly clock: Clock; readonly log: Log }
  readonly #networks = new Map<string, BridgeNetwork>()
  readonly #forwards = new Map<string, readonly PortForward[]>()
  /** What the kernel has, by family; absent: unknown, write everything. */
  readonly #applied = new Map<IpFamily, FirewallElements>()
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(options: FirewallOptions, ports: { readonly clock: Clock; readonly log: Log }) {
    this.#options = options
    this.#ports = ports
  }

  /** Takes note of a network; written with the next change. */
  setNetwork(network: BridgeNetwork): void {
    this.#networks.set(network.id, network)
  }

  removeNetwork(id: string): void {
    this.#networks.delete(id)
  }

  /** Takes note of a container's published ports; none: forgets the container. */
  setForwards(containerId: string, forwards: readonly PortForward[]): void {
    if (forwards.length === 0) this.#forwards.delete(containerId)
    else this.#forwards.set(containerId, forwards)
  }

  /** Resolves when the kernel has everything noted up to now. */
  apply(): Promise<void> {
    if (!this.#options.manage) return Promise.resolve()
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        this.#running = this.#write()
        return this.#running
      })
    return this.#next
  }

  /** Removes all of it. */
  async drop(): Promise<void> {
    if (!this.#options.manage) return
    await this.#running.catch(() => {})
    this.#applied.clear()
    const families = this.#options.hasIpv6 ? BOTH : ([4] as const)
    await runNft(families.map(family => dropFirewall(family, this.#options.table)).join(''), this.#ports.clock)
  }

  async #write(): Promise<void> {
    const { clock, log } = this.#ports
    const { table, hasIpv6 } = this.#options
    const networks = [...this.#networks.values()]
    // Without a network that has it there is nothing to say about IPv6, and a table of rules costs each packet.
    const families =
      hasIpv6 && (this.#applied.has(6) || networks.some(({ ipv6 }) => ipv6 !== undefined)) ? BOTH : ([4] as const)
    const wanted = new Map(
      families.map(
        family => [family, firewallElements(family, networks, [...this.#forwards.values()].flat())] as const,
      ),
    )
    const change = [...wanted].map(([family, after]) => {
      const before = this.#applied.get(family)
      if (before === undefined) return renderFirewall(family, table, after)
      return planFirewallChange(family, table, { before, after })
    })
    // A former life may have had networks with IPv6.
    if (this.#applied.size === 0 && hasIpv6 && !wanted.has(6)) change.push(dropFirewall(6, table))
    if (change.every(text => text === '')) return
    try {
      await runNft(change.join(''), clock)
    } catch (error) {
      if (this.#applied.size === 0) throw error
      // Someone changed or flushed our table: write it anew.
      log.warn({ table, error: errorMessage(error) }, 'packet filter is not as we left it, writing all of it')
      this.#applied.clear()
      await runNft([...wanted].map(([family, after]) => renderFirewall(family, table, after)).join(''), clock)
    }
    for (const [family, after] of wanted) this.#applied.set(family, after)
  }
}
