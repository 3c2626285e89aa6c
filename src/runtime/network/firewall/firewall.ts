import type { Clock } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { runNft } from '../../linux/nft.ts'
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
}

/** The engine's nftables table. Changes that come together are written together. */
export class Firewall {
  readonly #options: FirewallOptions
  readonly #ports: { readonly clock: Clock; readonly log: Log }
  readonly #networks = new Map<string, BridgeNetwork>()
  readonly #forwards = new Map<string, readonly PortForward[]>()
  /** What the kernel has; undefined: unknown, write everything. */
  #applied: FirewallElements | undefined
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

  /** Removes the whole table. */
  async drop(): Promise<void> {
    if (!this.#options.manage) return
    this.#applied = undefined
    await runNft(dropFirewall(this.#options.table), this.#ports.clock)
  }

  async #write(): Promise<void> {
    const { clock, log } = this.#ports
    const { table } = this.#options
    const wanted = firewallElements([...this.#networks.values()], [...this.#forwards.values()].flat())
    const change = this.#applied === undefined ? undefined : planFirewallChange(table, this.#applied, wanted)
    if (change === '') return
    if (change !== undefined) {
      try {
        await runNft(change, clock)
        this.#applied = wanted
        return
      } catch (error) {
        // Someone changed or flushed our table: write it anew.
        log.warn({ table, error: errorMessage(error) }, 'packet filter is not as we left it, writing all of it')
      }
    }
    this.#applied = undefined
    await runNft(renderFirewall(table, wanted), clock)
    this.#applied = wanted
  }
}
