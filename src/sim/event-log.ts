import type { Clock } from '../core/clock.ts'
import { sha256Digest } from '../core/digest.ts'
import type { Log } from '../core/log.ts'

/** What happened, in order, with virtual times: the same seed must give the same text. */
export class EventLog {
  readonly #clock: Clock
  readonly #lines: string[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `who` is a host, a manager or the simulator. */
  add(who: string, what: string, fields: object = {}): void {
    const details = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join('')
    this.#lines.push(`${(this.#clock.monotonicMs() / 1_000).toFixed(3).padStart(9)} ${who.padEnd(6)} ${what}${details}`)
  }

  /** A Log whose lines come here; `isMuted` is asked for each one. */
  logOf(who: string, isMuted: () => boolean): Log {
    const write = (fields: object, message: string): void => {
      if (!isMuted()) this.add(who, message, fields)
    }
    return { debug() {}, info: write, warn: write, error: (fields, message) => write(fields, `ERROR ${message}`) }
  }

  get text(): string {
    return this.#lines.map(line => `${line}\n`).join('')
  }

  get size(): number {
    return this.#lines.length
  }

  get digest(): string {
    return sha256Digest(this.text)
  }
}
