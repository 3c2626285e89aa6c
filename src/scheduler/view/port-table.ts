import type { HostPort } from '../node.ts'

export interface TakenPort {
  readonly port: HostPort
  /** Of what holds it. */
  readonly holder: string
}

/** The ports that are taken on one host. */
export class PortTable {
  readonly #taken = new Map<string, readonly TakenPort[]>()

  take(port: HostPort, holder: string): void {
    this.#taken.set(keyOf(port), [...this.#at(port), { port, holder }])
  }

  free(port: HostPort, holder: string): void {
    const rest = this.#at(port).filter(taken => taken.holder !== holder)
    if (rest.length === 0) this.#taken.delete(keyOf(port))
    else this.#taken.set(keyOf(port), rest)
  }

  /** What stands in the way of this port. */
  conflict(wanted: HostPort): TakenPort | undefined {
    return this.#at(wanted).find(({ port }) => overlaps(port, wanted))
  }

  /** All that stand in the way of it. */
  conflicts(wanted: HostPort): readonly TakenPort[] {
    return this.#at(wanted).filter(({ port }) => overlaps(port, wanted))
  }

  #at(port: HostPort): readonly TakenPort[] {
    return this.#taken.get(keyOf(port)) ?? []
  }
}

function keyOf({ published, protocol }: HostPort): string {
  return `${published}/${protocol}`
}

function overlaps(a: HostPort, b: HostPort): boolean {
  return isEveryAddress(a.hostIp) || isEveryAddress(b.hostIp) || a.hostIp === b.hostIp
}

function isEveryAddress(hostIp: string | undefined): boolean {
  return hostIp === undefined || hostIp === '' || hostIp === '0.0.0.0' || hostIp === '::'
}
