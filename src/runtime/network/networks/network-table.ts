import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage, invalidInput, notFound } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { syncDirectory, writeDurably } from '../../linux/files/durable-file.ts'
import { type BridgeNetwork, isJoinable, type JoinableNetwork, type LocalNetwork } from './local-network.ts'

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
    const matches = this.#matches(reference)
    return matches.length === 1 ? matches[0] : undefined
  }

  /** As `find`. Throws 404, and 400 when several ids start so; in docker's words. */
  need(reference: string): LocalNetwork {
    if (reference.trim() === '') throw invalidInput('BAD_REFERENCE', `invalid name or ID supplied: "${reference}"`)
    const [match, second] = this.#matches(reference)
    if (match === undefined) throw notFound('NO_SUCH_NETWORK', `network ${reference} not found`)
    if (second === undefined) return match
    const found = this.#matches(reference).length
    throw invalidInput('AMBIGUOUS', `network ${reference} is ambiguous (${found} matches found based on ID prefix)`)
  }

  joinableById(id: string): JoinableNetwork | undefined {
    const network = this.#networks.get(id)
    return network !== undefined && isJoinable(network) ? network : undefined
  }

  #matches(reference: string): LocalNetwork[] {
    const exact = this.#networks.get(reference) ?? this.all().find(network => network.name === reference)
    if (exact !== undefined) return [exact]
    return /^[0-9a-f]+$/.test(reference) ? this.all().filter(network => network.id.startsWith(reference)) : []
  }
}
