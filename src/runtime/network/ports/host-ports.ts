import type { Clock } from '../../../core/clock.ts'
import { errorCode, errorMessage, failed, invalidInput, ShoalError } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { type HeldPort, holdPort } from '../../linux/net/held-port.ts'
import { DatagramRelay, relayConnection } from './port-relay.ts'
import { ANY_ADDRESS, ANY_ADDRESS6, type PublishedPort, type WantedPort } from './published-ports.ts'

/** Names the endpoint in messages as docker does: `web (1f0c…)`. */
export type EndpointLabel = string

/** Tries of a port that the kernel chose for one family and another program has in the other. */
const CHOICES_MAX = 8

export interface ReserveOptions {
  readonly label: EndpointLabel
  /** What stands for no address; 0.0.0.0 stands for `::` as well. */
  readonly defaultIp: string
}

export interface HostPortsPorts {
  readonly clock: Clock
  readonly log: Log
  /** Whether the host can listen on IPv6 addresses. */
  readonly hasIpv6: boolean
}

/**
 * The host ports that lead to containers. Each is held by a socket of ours, though the packet filter carries nearly all
 * traffic: so no other program can take it, one that is taken is noticed, and the kernel chooses free ones. What does come in
 * at the socket is relayed.
 */
export class HostPorts {
  readonly #held = new Map<string, HeldPort[]>()
  readonly #published = new Set<string>()
  readonly #targets = new Map<string, string>()
  readonly #ports: HostPortsPorts

  constructor(ports: HostPortsPorts) {
    this.#ports = ports
  }

  /** Takes host ports for all that a container wants, or none: throws PORT_IN_USE. */
  async reserve(owner: string, wanted: readonly WantedPort[], options: ReserveOptions): Promise<PublishedPort[]> {
    const published: PublishedPort[] = []
    try {
      for (const port of wanted) published.push(...(await this.#reserveOne(owner, port, options)))
      return published
    } catch (error) {
      this.release(owner)
      throw error
    }
  }

  /** Takes the ports of a container that runs already. One that is gone stays published all the same. */
  async adopt(owner: string, published: readonly PublishedPort[]): Promise<void> {
    for (const port of published) {
      try {
        this.#file(owner, [await this.#hold(owner, port, port.hostPort)])
      } catch (error) {
        const { hostPort, protocol } = port
        this.#ports.log.warn(
          { owner, hostPort, protocol, error: errorMessage(error) },
          'published port was taken meanwhile',
        )
      }
    }
  }

  /** Where what comes in at a container's ports is relayed to; undefined: nowhere. */
  setTarget(owner: string, address: string | undefined): void {
    if (address === undefined) this.#targets.delete(owner)
    else this.#targets.set(owner, address)
  }

  release(owner: string): void {
    for (const held of this.#held.get(owner) ?? []) held.release()
    this.#held.delete(owner)
    this.#targets.delete(owner)
  }

  close(): void {
    for (const owner of this.#held.keys()) this.release(owner)
  }

  async #reserveOne(owner: string, wanted: WantedPort, { label, defaultIp }: ReserveOptions): Promise<PublishedPort[]> {
    const addresses = this.#addressesFor(wanted.hostIp, defaultIp)
    const candidates = wanted.hostPorts.length === 0 ? Array.from({ length: CHOICES_MAX }, () => 0) : wanted.hostPorts
    let refusal: unknown
    for (const candidate of candidates) {
      try {
        return await this.#holdAll(owner, wanted, { addresses, candidate })
      } catch (error) {
        refusal = error
      }
    }
    throw portError(label, `${addresses[0]}:${candidates.at(-1) ?? 0}`, refusal)
  }

  #addressesFor(hostIp: string, defaultIp: string): string[] {
    if (hostIp !== '') return [hostIp]
    const isAny = defaultIp === '' || defaultIp === ANY_ADDRESS
    if (!isAny) return [defaultIp]
    return this.#ports.hasIpv6 ? [ANY_ADDRESS, ANY_ADDRESS6] : [ANY_ADDRESS]
  }

  /** The same port on every address, or on none. */
  async #holdAll(
    owner: string,
    wanted: WantedPort,
    { addresses, candidate }: { readonly addresses: readonly string[]; readonly candidate: number },
  ): Promise<PublishedPort[]> {
    const held: HeldPort[] = []
    const published: PublishedPort[] = []
    try {
      for (const hostIp of addresses) {
        const one = await this.#hold(owner, { ...wanted, hostIp }, held[0]?.port ?? candidate)
        held.push(one)
        published.push({ hostIp, hostPort: one.port, port: wanted.port, protocol: wanted.protocol })
      }
      this.#file(owner, held)
      return published
    } catch (error) {
      for (const one of held) one.release()
      throw error
    }
  }

  async #hold(
    owner: string,
    { hostIp, port, protocol }: Pick<PublishedPort, 'hostIp' | 'port' | 'protocol'>,
    hostPort: number,
  ): Promise<HeldPort> {
    if (this.#published.has(`${protocol}/${hostIp}/${hostPort}`)) throw new AlreadyPublished()
    const target = () => {
      const address = this.#targets.get(owner)
      return address === undefined ? undefined : { address, port }
    }
    const held = await holdPort(protocol, hostIp, hostPort, {
      onConnection: connection => relayConnection(connection, target),
      onSocket: socket => {
        const relay = new DatagramRelay(socket, target, this.#ports.clock)
        return () => relay.close()
      },
    })
    const key = `${protocol}/${hostIp}/${held.port}`
    this.#published.add(key)
    let released = false
    const release = (): void => {
      if (released) return
      released = true
      this.#published.delete(key)
      held.release()
    }
    return { port: held.port, release }
  }

  /** From now on the ports go when their owner does. */
  #file(owner: string, held: readonly HeldPort[]): void {
    this.#held.set(owner, [...(this.#held.get(owner) ?? []), ...held])
  }
}

/** Another container of this engine has the port. */
class AlreadyPublished extends Error {}

function portError(label: EndpointLabel, address: string, refusal: unknown): Error {
  const prefix = `driver failed programming external connectivity on endpoint ${label}: `
  if (refusal instanceof AlreadyPublished) {
    return new ShoalError('PORT_IN_USE', 500, `${prefix}Bind for ${address} failed: port is already allocated`)
  }
  switch (errorCode(refusal)) {
    case 'EADDRINUSE':
      return new ShoalError(
        'PORT_IN_USE',
        500,
        `${prefix}Bind for ${address} failed: port is already allocated (bind: address already in use)`,
      )
    case 'EADDRNOTAVAIL':
      return invalidInput(
        'ADDRESS_NOT_LOCAL',
        `${prefix}listen ${address}: bind: cannot assign requested address: this host does not have it`,
      )
    default:
      return failed('PORT_FAILED', `${prefix}Bind for ${address} failed: ${errorMessage(refusal)}`, { cause: refusal })
  }
}
