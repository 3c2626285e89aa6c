import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import type { Clock, Timer } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { NameSource, Pulse } from '../../ports.ts'

/** In the engine's folder of what does not outlive a boot. */
export const NAMES_FILE = 'names.json'

/** By network and name in small letters. */
type NamesByNetwork = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

interface Left {
  readonly names: NamesByNetwork
  readonly pulse?: Pulse
}

/** Changes that come within this time are one; who stands in knows what was known this long before the end. */
const WRITE_AFTER_MS = 200

export interface LeftNamesPorts {
  readonly clock: Clock
  readonly log: Log
  /** Networks whose names somebody here may ask for. */
  readonly networks: () => readonly string[]
}

/** Names from outside this engine, written down as they change for whoever answers when the engine has died. */
export class LeftNames {
  readonly #path: string
  readonly #ports: LeftNamesPorts
  #written = ''
  #timer: Timer | undefined
  #writing = Promise.resolve()
  #isClosed = false

  constructor(path: string, ports: LeftNamesPorts) {
    this.#path = path
    this.#ports = ports
  }

  /** Keeps up with a source that tells of its changes; of another, nothing is left. */
  follow(source: NameSource): void {
    const { all, onChange, pulse } = source
    if (all === undefined) return
    onChange?.(() => {
      if (this.#isClosed) return
      this.#timer ??= this.#ports.clock.setTimer(WRITE_AFTER_MS, () => {
        this.#timer = undefined
        this.#writing = this.#writing.then(() => this.#write(all, pulse))
      })
    })
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  async #write(all: NonNullable<NameSource['all']>, pulse: Pulse | undefined): Promise<void> {
    try {
      const names = this.#ports.networks().map(network => [network, Object.fromEntries(all(network))] as const)
      const left: Left = { names: Object.fromEntries(names), ...(pulse === undefined ? {} : { pulse }) }
      const text = JSON.stringify(left)
      if (text === this.#written) return
      await writeFile(`${this.#path}.tmp`, text, { mode: 0o600 })
      await rename(`${this.#path}.tmp`, this.#path)
      this.#written = text
    } catch (error) {
      this.#ports.log.warn({ error: errorMessage(error) }, 'cannot write names down for the time after this engine')
    }
  }
}

/** What an engine that died has left; without it, or if it cannot be read, no name. */
export function readLeftNames(path: string): NameSource {
  const { names, ...pulse } = readLeft(path)
  const networks = new Map(Object.entries(names).map(([name, names]) => [name, new Map(Object.entries(names))]))
  return { lookup: (network, name) => networks.get(network)?.get(name), ...pulse }
}

function readLeft(path: string): Left {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Left
  } catch {
    return { names: {} }
  }
}
