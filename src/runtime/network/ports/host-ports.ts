import { conflict, errorCode, errorMessage, failed, invalidInput } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { type HeldPort, holdPort } from '../../linux/held-port.ts'
import type { PublishedPort, WantedPort } from './published-ports.ts'

/** Names the endpoint in messages as docker does: `web (1f0c…)`. */
export type EndpointLabel = string

/**
 * The host ports that lead to containers. Each is held by a socket of ours, though the packet filter carries the traffic:
 * so no other program can take it, one that is taken is noticed, and the kernel chooses free ones.
 */
export class HostPorts {
  readonly #held = new Map<string, HeldPort[]>()
  readonly #published = new Set<string>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Takes host ports for all that a container wants, or none: throws PORT_IN_USE. */
  async reserve(owner: string, wanted: readonly WantedPort[], label: EndpointLabel): Promise<PublishedPort[]> {
    const published: PublishedPort[] = []
    try {
      for (const port of wanted) published.push(await this.#reserveOne(owner, port, label))
      return published
    } catch (error) {
      this.release(owner)
      throw error
    }
  }

  /** Takes the ports of a container that runs already. One that is gone stays published all the same. */
  async adopt(owner: string, published: readonly PublishedPort[]): Promise<void> {
    for (const { hostIp, hostPort, port, protocol } of published) {
      try {
        await this.#reserveOne(owner, { hostIp, hostPorts: [hostPort], port, protocol }, owner)
      } catch (error) {
        this.#log.warn({ owner, hostPort, protocol, error: errorMessage(error) }, 'published port was taken meanwhile')
      }
    }
  }

  release(owner: string): void {
    for (const held of this.#held.get(owner) ?? []) held.release()
    this.#held.delete(owner)
  }

  close(): void {
    for (const owner of this.#held.keys()) this.release(owner)
  }

  async #reserveOne(owner: string, wanted: WantedPort, label: EndpointLabel): Promise<PublishedPort> {
    const { hostIp, hostPorts, port, protocol } = wanted
    const candidates = hostPorts.length === 0 ? [0] : hostPorts
    let refusal: unknown
    for (const candidate of candidates) {
      if (this.#published.has(`${protocol}/${hostIp}/${candidate}`)) continue
      try {
        const held = await holdPort(protocol, hostIp, candidate)
        const key = `${protocol}/${hostIp}/${held.port}`
        this.#published.add(key)
        const release = (): void => {
          this.#published.delete(key)
          held.release()
        }
        this.#held.set(owner, [...(this.#held.get(owner) ?? []), { port: held.port, release }])
        return { hostIp, hostPort: held.port, port, protocol }
      } catch (error) {
        refusal = error
      }
    }
    throw portError(label, `${hostIp}:${candidates.at(-1) ?? 0}`, refusal)
  }
}

function portError(label: EndpointLabel, address: string, refusal: unknown): Error {
  const prefix = `driver failed programming external connectivity on endpoint ${label}: Bind for ${address} failed`
  switch (errorCode(refusal)) {
    case undefined:
      return conflict('PORT_IN_USE', `${prefix}: port is already allocated`)
    case 'EADDRINUSE':
      return conflict('PORT_IN_USE', `${prefix}: port is already allocated (by a process outside this engine)`)
    case 'EADDRNOTAVAIL':
      return invalidInput('ADDRESS_NOT_LOCAL', `${prefix}: this host does not have the address`)
    default:
      return failed('PORT_FAILED', `${prefix}: ${errorMessage(refusal)}`, { cause: refusal })
  }
}
