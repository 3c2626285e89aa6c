import type { Clock } from '../../core/clock.ts'
import { runNft } from '../../runtime/linux/nft.ts'
import { type IngressTable, renderIngress } from './ingress-rules.ts'

/** Keeps the ingress table in the kernel; nothing is written while nothing differs. */
export class Ingress {
  readonly #table: string
  readonly #clock: Clock
  #applied = ''

  constructor(table: string, clock: Clock) {
    this.#table = table
    this.#clock = clock
  }

  async apply(wanted: Omit<IngressTable, 'table'>): Promise<void> {
    // A host that never had a published port needs no table.
    if (wanted.ports.length === 0 && this.#applied === '') return
    const script = renderIngress({ ...wanted, table: this.#table })
    if (script === this.#applied) return
    await runNft(script, this.#clock)
    this.#applied = script
  }
}
