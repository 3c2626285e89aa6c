import { hashOf } from '../core/digest.ts'
import { ManualClock, settle } from '../core/manual-clock.ts'
import { pickIndex, type Random, seededRandom } from '../core/random.ts'
import { type ClusterKeys, clusterKeys, createMemoryStore, type MemoryStore } from '../discovery/index.ts'
import { Chaos } from './chaos.ts'
import { findDeviations, readServices } from './convergence.ts'
import { EventLog } from './event-log.ts'
import { Safety } from './safety.ts'
import { SimHost } from './sim-host.ts'
import { SimManager } from './sim-manager.ts'
import { SimAddresses } from './sim-overlay.ts'
import { Workload } from './workload.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly nodes: number
  readonly managers: number
  /** Faults and changes. */
  readonly steps: number
  /** How long everything may take to settle after the last fault, virtual. Default: three minutes. */
  readonly settleMs?: number
}

export interface SimulationResult {
  readonly events: EventLog
  /** Virtual. */
  readonly tookMs: number
  /** Empty: everything that must hold held. */
  readonly violations: readonly string[]
}

const SETTLE_MS = 180_000
/** A step must stay below this many timers; more means that something spins. */
const TIMERS_PER_STEP_MAX = 500_000

/** Runs real managers and agents through a seeded series of faults. The same options give the same events. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const simulation = new Simulation(options)
  return simulation.run()
}

class Simulation {
  readonly #options: SimulationOptions
  readonly #clock = new ManualClock()
  readonly #events = new EventLog(this.#clock)
  readonly #keys: ClusterKeys = clusterKeys('sim')
  readonly #server: MemoryStore = createMemoryStore({ clock: this.#clock })
  readonly #safety = new Safety(this.#keys)
  readonly #random: Random
  readonly #hosts: readonly SimHost[]
  readonly #managers: readonly SimManager[]
  readonly #chaos: Chaos
  readonly #workload: Workload

  constructor(options: SimulationOptions) {
    this.#options = options
    this.#random = this.#randomOf('steps')
    const world = {
      clock: this.#clock,
      server: this.#server,
      events: this.#events,
      keys: this.#keys,
      randomOf: (name: string) => this.#randomOf(name),
    }
    const addresses = new SimAddresses()
    const engineEvents = this.#safety.engineEvents
    this.#hosts = Array.from(
      { length: options.nodes },
      (_, i) => new SimHost(i + 1, { ...world, addresses, engineEvents }),
    )
    const hosts = new Map(this.#hosts.map(host => [host.name, host]))
    this.#managers = Array.from({ length: options.managers }, (_, i) => new SimManager(i + 1, { ...world, hosts }))
    const random = this.#random
    this.#chaos = new Chaos({ ...world, random, hosts: this.#hosts, managers: this.#managers })
    const leader = () => this.#managers.find(({ manager }) => manager?.isLeader() === true)?.manager
    this.#workload = new Workload({ ...world, random, nodes: options.nodes, leader })
  }

  async run(): Promise<SimulationResult> {
    const watching = this.#safety.watch(this.#server)
    watching.catch((error: unknown) => this.#safety.violations.push(`the observer failed: ${String(error)}`))
    for (const manager of this.#managers) manager.start()
    for (const host of this.#hosts) host.startAgent()
    await this.#advance(5_000)
    for (let step = 1; step <= this.#options.steps && this.#safety.violations.length === 0; step++) {
      const what = this.#random.next()
      if (what < 0.35) this.#workload.change()
      else if (what < 0.4) this.#workload.drain()
      else if (what < 0.43) this.#workload.rebalance()
      else this.#chaos.strike()
      await this.#advance(200 + pickIndex(this.#random, 3_000))
    }
    if (this.#safety.violations.length === 0) await this.#converge()
    return { events: this.#events, tookMs: this.#clock.monotonicMs(), violations: this.#safety.violations }
  }

  async #converge(): Promise<void> {
    const lost = this.#chaos.heal()
    const settleMs = this.#options.settleMs ?? SETTLE_MS
    const untilMs = this.#clock.monotonicMs() + settleMs
    // What waits for a host that never returns may wait: somebody gives the host up in the end.
    this.#clock.setTimer(settleMs / 2, () => {
      for (const node of lost) void this.#workload.giveUp(node, isOver)
    })
    const isOver = (): boolean => this.#clock.monotonicMs() >= untilMs
    let told = false
    void this.#workload.insist(isOver).then(() => (told = true))
    let deviations: string[] = ['the wishes were not accepted']
    while (!isOver() && this.#safety.violations.length === 0) {
      await this.#advance(1_000)
      if (!told) continue
      deviations = findDeviations({
        wanted: this.#workload.wanted(),
        drained: this.#workload.drained(),
        running: this.#safety.running(),
        tasks: this.#safety.tasks(),
        services: await readServices(this.#server, this.#keys),
      })
      if (deviations.length === 0) break
    }
    this.#safety.violations.push(...deviations.map(deviation => `not converged: ${deviation}`))
    if (deviations.length === 0) this.#events.add('sim', 'converged', { running: this.#safety.running().length })
  }

  /** Lets virtual time go by: every timer in its order, and all that follows from one before the next. */
  async #advance(ms: number): Promise<void> {
    const untilMs = this.#clock.nowMs() + ms
    await settle()
    for (let fired = 0; (this.#clock.nextDueMs() ?? Number.POSITIVE_INFINITY) <= untilMs; fired++) {
      if (fired > TIMERS_PER_STEP_MAX) {
        this.#safety.violations.push(`something spins: ${fired} timers in ${ms} ms`)
        return
      }
      this.#clock.step()
      await settle()
    }
    await this.#clock.advance(untilMs - this.#clock.nowMs())
  }

  #randomOf(name: string): Random {
    return seededRandom(Number.parseInt(hashOf([this.#options.seed, name]).slice(0, 8), 16))
  }
}
