import { errorMessage } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import type { ClusterKeys } from '../discovery/index.ts'
import { type AgentMemory, createAgent } from '../node-agent/index.ts'
import { SimEngine, type SimEngineEvents } from './sim-engine.ts'
import { type SimAddresses, simOverlay } from './sim-overlay.ts'
import { type NetworkFaults, type ProcessWorld, SimProcess } from './sim-process.ts'
import { WallClock } from './wall-clock.ts'

export interface HostWorld extends ProcessWorld {
  readonly keys: ClusterKeys
  readonly addresses: SimAddresses
  readonly engineEvents: SimEngineEvents
  /** Random numbers of its own for each part, so that one more draw here changes nothing there. */
  readonly randomOf: (name: string) => Random
}

/** A host: an engine, a disk, a network cable, and an agent that may or may not run. */
export class SimHost {
  readonly name: string
  readonly zone: string
  readonly engine: SimEngine
  readonly wallClock: WallClock
  readonly #world: HostWorld
  readonly #address: string
  readonly #network: NetworkFaults = { cut: false, latencyMs: 5, loss: 0 }
  #memory: AgentMemory | undefined
  #boots = 1
  #agents = 0
  #agent: SimProcess | undefined
  #retired = false

  constructor(index: number, world: HostWorld) {
    this.name = `n${index}`
    this.zone = index % 3 === 0 ? 'a' : 'b'
    this.#address = `10.0.${Math.floor(index / 250)}.${(index % 250) + 1}`
    this.wallClock = new WallClock(world.clock)
    this.#world = { ...world, clock: this.wallClock.view() }
    this.engine = new SimEngine(this.name, this.#world.clock, world.engineEvents)
  }

  get agentRuns(): boolean {
    return this.#agent?.alive === true
  }

  get isCutOff(): boolean {
    return this.#network.cut
  }

  startAgent(): void {
    if (this.agentRuns || this.#retired) return
    const process = new SimProcess(this.name, this.#world.randomOf(`${this.name} ${++this.#agents}`), this.#world)
    process.setNetwork(this.#network)
    this.#agent = process
    const { keys, addresses } = this.#world
    const { clock, random, log, store } = process
    const agent = createAgent(
      {
        name: this.name,
        apiAddress: `${this.#address}:2375`,
        address: this.#address,
        labels: { zone: this.zone },
        bootId: `boot-${this.#boots}`,
      },
      {
        engine: this.engine.connect(process),
        store,
        keys,
        overlay: simOverlay(this.name, addresses),
        peers: { fetch: async () => false },
        memory: {
          read: async () => this.#memory,
          write: async memory => {
            await process.delay(2)
            this.#memory = memory
          },
        },
        clock,
        random,
        log,
      },
    )
    agent.run(new AbortController().signal).then(
      () => process.log.error({}, 'the agent ended by itself'),
      (error: unknown) => process.log.error({ error: errorMessage(error) }, 'the agent gave up'),
    )
  }

  /** Kills the agent; containers go on. */
  killAgent(): void {
    this.#agent?.kill()
  }

  /** Kills the agent and every container. */
  powerOff(): void {
    this.killAgent()
    this.engine.powerOff()
    this.#boots++
  }

  /** Lost for good. */
  retire(): void {
    this.powerOff()
    this.#retired = true
  }

  pause(): void {
    this.#agent?.pause()
  }

  resume(): void {
    this.#agent?.resume()
  }

  setNetwork(change: Partial<NetworkFaults>): void {
    Object.assign(this.#network, change)
    this.#agent?.setNetwork(change)
  }
}
