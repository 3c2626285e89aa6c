import type { Clock } from '../../core/clock.ts'
import { conflict, errorCode, errorMessage } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { Log } from '../../core/log.ts'
import { forgetConnections } from '../../runtime/linux/net/conntrack.ts'
import { type HeldPort, holdPort } from '../../runtime/linux/net/held-port.ts'
import { runNft } from '../../runtime/linux/net/nft.ts'
import { type IngressPort, type IngressTable, renderIngress, targetAddresses } from './ingress-rules.ts'

const portKey = ({ protocol, published }: Pick<IngressPort, 'protocol' | 'published'>): string =>
  `${protocol}/${published}`

/**
 * The services' published ports on this host: rules in the packet filter, and a socket of ours on each port, so that
 * a program that has the port already keeps it, and none takes it later.
 */
export class Ingress {
  readonly #table: string
  readonly #ports: { readonly clock: Clock; readonly log: Log }
  readonly #held = new Map<string, HeldPort>()
  readonly #refused = new Set<string>()
  /** Two attempts at once would find each other's socket on the port. */
  readonly #lock = new KeyedLock()
  #script = ''
  #targets: ReadonlySet<string> = new Set()

  constructor(table: string, ports: { readonly clock: Clock; readonly log: Log }) {
    this.#table = table
    this.#ports = ports
  }

  /** Brings the kernel in line; writes nothing while nothing differs. */
  async apply(wanted: Omit<IngressTable, 'table'>): Promise<void> {
    // A host that never had a published port needs no table.
    if (wanted.ports.length === 0 && this.#script === '') return
    await this.#lock.run('ports', () => this.#hold(wanted.ports))
    const ports = wanted.ports.filter(port => this.#held.has(portKey(port)))
    const script = renderIngress({ ...wanted, ports, table: this.#table })
    if (script === this.#script) return
    await runNft(script, this.#ports.clock)
    this.#script = script
    // Connections to replicas that are gone would hang until their clients' patience ends.
    const targets = targetAddresses(ports)
    forgetConnections(new Set([...this.#targets].filter(address => !targets.has(address))))
    this.#targets = targets
  }

  /** Takes a port ahead of its rules. Throws PORT_IN_USE if another program has it. */
  take({ protocol, published }: Pick<IngressPort, 'protocol' | 'published'>): Promise<void> {
    return this.#lock.run('ports', async () => {
      const key = portKey({ protocol, published })
      if (this.#held.has(key)) return
      try {
        this.#held.set(key, await holdPort(protocol, '0.0.0.0', published))
      } catch (cause) {
        const why = errorCode(cause) === 'EADDRINUSE' ? 'another program on this host has it' : errorMessage(cause)
        const what = `Cannot publish port ${published}/${protocol} (${why})`
        throw conflict('PORT_IN_USE', `${what}: stop that program, or publish another port`)
      }
    })
  }

  /** Lets go of the ports; the rules stay. */
  close(): void {
    for (const held of this.#held.values()) held.release()
    this.#held.clear()
  }

  async #hold(ports: readonly IngressPort[]): Promise<void> {
    const wanted = new Map(ports.map(port => [portKey(port), port]))
    for (const [key, held] of this.#held) {
      if (wanted.has(key)) continue
      held.release()
      this.#held.delete(key)
    }
    for (const [key, { protocol, published }] of wanted) {
      if (this.#held.has(key)) continue
      try {
        this.#held.set(key, await holdPort(protocol, '0.0.0.0', published))
        this.#refused.delete(key)
      } catch (error) {
        if (!this.#refused.has(key)) {
          const why = { port: published, protocol, error: errorMessage(error) }
          this.#ports.log.warn(why, 'published port is taken on this host: the service answers on the other hosts only')
        }
        this.#refused.add(key)
      }
    }
  }
}
