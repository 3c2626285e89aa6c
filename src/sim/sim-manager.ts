import { sleep } from '../core/clock.ts'
import { unavailable } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import type { ClusterKeys } from '../discovery/index.ts'
import type { Engine } from '../docker-api/index.ts'
import { createManager, type Manager } from '../manager/index.ts'
import type { SimHost } from './sim-host.ts'
import { type NetworkFaults, type ProcessWorld, SimProcess } from './sim-process.ts'
import { WallClock } from './wall-clock.ts'

export interface ManagerWorld extends ProcessWorld {
  readonly keys: ClusterKeys
  readonly randomOf: (name: string) => Random
  readonly hosts: ReadonlyMap<string, SimHost>
}

const REACH_TIMEOUT_MS = 5_000

/** The place of one manager: its processes come and go. */
export class SimManager {
  readonly name: string
  readonly wallClock: WallClock
  readonly #world: ManagerWorld
  readonly #network: NetworkFaults = { cut: false, latencyMs: 5, loss: 0 }
  #starts = 0
  #process: SimProcess | undefined
  #manager: Manager | undefined

  constructor(index: number, world: ManagerWorld) {
    this.name = `m${index}`
    this.wallClock = new WallClock(world.clock)
    this.#world = { ...world, clock: this.wallClock.view() }
  }

  get runs(): boolean {
    return this.#process?.alive === true
  }

  /** The manager while its process lives. */
  get manager(): Manager | undefined {
    return this.runs ? this.#manager : undefined
  }

  start(): void {
    if (this.runs) return
    const id = `${this.name}-${++this.#starts}`
    const process = new SimProcess(this.name, this.#world.randomOf(id), this.#world)
    process.setNetwork(this.#network)
    this.#process = process
    const { clock, random, log, store } = process
    const engines = (member: { readonly name: string }): Engine => this.#engineOf(member.name, process)
    const ports = { store, keys: this.#world.keys, clock, random, log, engines }
    this.#manager = createManager({ id, address: `${this.name}:3375` }, ports)
    void this.#manager.run(new AbortController().signal).then(() => log.error({}, 'the manager ended by itself'))
  }

  kill(): void {
    this.#process?.kill()
  }

  pause(): void {
    this.#process?.pause()
  }

  resume(): void {
    this.#process?.resume()
  }

  setNetwork(change: Partial<NetworkFaults>): void {
    Object.assign(this.#network, change)
    this.#process?.setNetwork(change)
  }

  /** A host's engine over the network: it answers only while its agent runs and both cables are in. */
  #engineOf(name: string, process: SimProcess): Engine {
    const host = this.#world.hosts.get(name)
    if (host === undefined) throw unavailable('NODE_SILENT', `Node ${name} does not answer`)
    return host.engine.connect({
      async delay(maxMs) {
        await process.delay(maxMs)
        if (host.agentRuns && !host.isCutOff && !process.network.cut) return
        await sleep(process.clock, REACH_TIMEOUT_MS)
        throw unavailable('NODE_SILENT', `Node ${name} does not answer`)
      },
    })
  }
}
