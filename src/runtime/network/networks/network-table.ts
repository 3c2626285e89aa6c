import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { syncDirectory, writeDurably } from '../../linux/durable-file.ts'
import type { BridgeNetwork, LocalNetwork } from './local-network.ts'

const ID = /^[0-9a-f]{64}$/

/** The engine's networks, in memory and on disk. */
export class NetworkTable {
  readonly #folder: string
  readonly #networks = new Map<string, LocalNetwork>()

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** A file that cannot be read is left alone and reported: the network is missing until it is repaired or removed. */
  static async open(folder: string, log: Log): Promise<NetworkTable> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const table = new NetworkTable(folder)
    for (const file of (await readdir(folder)).filter(name => name.endsWith('.json')).sort()) {
      const path = join(folder, file)
      try {
        const network = JSON.parse(await readFile(path, 'utf8')) as LocalNetwork
        if (!ID.test(network.id) || typeof network.name !== 'string') throw new Error('it is not a network')
        table.#networks.set(network.id, network)
      } catch (error) {
        log.error({ path, error: errorMessage(error) }, 'cannot read network, remove or repair the file')
      }
    }
    return table
  }

  async put(network: LocalNetwork): Promise<void> {
    this.#networks.set(network.id, network)
    await writeDurably(join(this.#folder, `${network.id}.json`), JSON.stringify(network))
  }

  async remove(id: string): Promise<void> {
    this.#networks.delete(id)
    await rm(join(this.#folder, `${id}.json`), { force: true })
    await syncDirectory(this.#folder)
  }

  all(): LocalNetwork[] {
    return [...this.#networks.values()]
  }

  bridges(): BridgeNetwork[] {
    return this.all().filter(network => network.driver === 'bridge')
  }

  /** By id, name, or the only id that starts so. */
  readonly find = (reference: string): LocalNetwork | undefined => {
    const exact = this.#networks.get(reference) ?? this.all().find(network => network.name === reference)
    if (exact !== undefined || !/^[0-9a-f]{2,}$/.test(reference)) return exact
    const [match, second] = this.all().filter(network => network.id.startsWith(reference))
    return second === undefined ? match : undefined
  }

  bridgeById(id: string): BridgeNetwork | undefined {
    const network = this.#networks.get(id)
    return network?.driver === 'bridge' ? network : undefined
  }
}
