import type { Clock } from '../core/clock.ts'
import { pickIndex, type Random } from '../core/random.ts'
import type { MemoryStore } from '../discovery/index.ts'
import type { EventLog } from './event-log.ts'
import type { SimHost } from './sim-host.ts'
import type { SimManager } from './sim-manager.ts'

export interface ChaosWorld {
  readonly clock: Clock
  readonly random: Random
  readonly events: EventLog
  readonly hosts: readonly SimHost[]
  readonly managers: readonly SimManager[]
  readonly server: MemoryStore
}

interface Fault {
  readonly weight: number
  readonly strike: (chaos: Chaos) => void
}

/** Farthest that a clock jumps, in either direction. */
const JUMP_MS_MAX = 3_600_000

const HEALTHY = { cut: false, latencyMs: 5, loss: 0 } as const

/** What can go wrong, and how often compared to the rest. */
const FAULTS: readonly Fault[] = [
  { weight: 3, strike: chaos => chaos.killAgent() },
  { weight: 3, strike: chaos => chaos.powerOff() },
  { weight: 3, strike: chaos => chaos.disturbHost('is cut off', { cut: true }) },
  { weight: 1, strike: chaos => chaos.disturbHost('is slow', { latencyMs: 800 }) },
  { weight: 2, strike: chaos => chaos.disturbHost('loses messages', { loss: 0.3 }) },
  { weight: 2, strike: chaos => chaos.killManager() },
  { weight: 2, strike: chaos => chaos.disturbManager('is cut off', { cut: true }) },
  { weight: 1, strike: chaos => chaos.disturbManager('loses messages', { loss: 0.3 }) },
  // Longer than a term: what a leader sends may arrive when another leads.
  { weight: 2, strike: chaos => chaos.disturbManager('is slow', { latencyMs: 8_000 }) },
  { weight: 1, strike: chaos => chaos.pause(chaos.hosts) },
  { weight: 2, strike: chaos => chaos.pause(chaos.managers) },
  { weight: 1, strike: chaos => chaos.storeOutage() },
  { weight: 1, strike: chaos => chaos.compact() },
  { weight: 3, strike: chaos => chaos.crashContainer() },
  { weight: 2, strike: chaos => chaos.jumpClock() },
]

/** Breaks things, and repairs each of them some time later. */
export class Chaos {
  readonly #world: ChaosWorld

  constructor(world: ChaosWorld) {
    this.#world = world
  }

  get hosts(): readonly SimHost[] {
    return this.#world.hosts
  }

  get managers(): readonly SimManager[] {
    return this.#world.managers
  }

  strike(): void {
    const total = FAULTS.reduce((sum, { weight }) => sum + weight, 0)
    let at = this.#world.random.next() * total
    FAULTS.find(({ weight }) => (at -= weight) < 0)?.strike(this)
  }

  /** Everything works from now on, but for one host in five that never comes back: their names. */
  heal(): readonly string[] {
    const { hosts, managers, events } = this.#world
    events.add('sim', 'heals everything')
    const lost = new Set<string>()
    for (let count = 0; count < Math.floor(hosts.length / 5); count++) {
      const host = this.#pick(hosts)
      lost.add(host.name)
      this.#note(host.name, 'is lost for good')
      host.retire()
    }
    for (const host of hosts) {
      host.setNetwork(HEALTHY)
      host.resume()
      host.startAgent()
    }
    for (const manager of managers) {
      manager.setNetwork(HEALTHY)
      manager.resume()
      manager.start()
    }
    return [...lost]
  }

  killAgent(): void {
    const host = this.#pick(this.#world.hosts)
    this.#note(host.name, 'agent is killed')
    host.killAgent()
    this.#later(20_000, () => host.startAgent())
  }

  powerOff(): void {
    const host = this.#pick(this.#world.hosts)
    this.#note(host.name, 'loses power')
    host.powerOff()
    this.#later(40_000, () => host.startAgent())
  }

  disturbHost(what: string, change: Parameters<SimHost['setNetwork']>[0]): void {
    const host = this.#pick(this.#world.hosts)
    this.#note(host.name, what)
    host.setNetwork(change)
    this.#later(30_000, () => {
      this.#note(host.name, 'is reached well again')
      host.setNetwork(HEALTHY)
    })
  }

  killManager(): void {
    const manager = this.#pick(this.#world.managers)
    this.#note(manager.name, 'manager is killed')
    manager.kill()
    this.#later(15_000, () => manager.start())
  }

  disturbManager(what: string, change: Parameters<SimManager['setNetwork']>[0]): void {
    const manager = this.#pick(this.#world.managers)
    this.#note(manager.name, what)
    manager.setNetwork(change)
    this.#later(20_000, () => {
      this.#note(manager.name, 'is reached well again')
      manager.setNetwork(HEALTHY)
    })
  }

  pause(those: readonly { readonly name: string; pause: () => void; resume: () => void }[]): void {
    const one = this.#pick(those)
    this.#note(one.name, 'is paused')
    one.pause()
    this.#later(15_000, () => {
      this.#note(one.name, 'is resumed')
      one.resume()
    })
  }

  /** Nobody reaches the store. */
  storeOutage(): void {
    const all = [...this.#world.hosts, ...this.#world.managers]
    this.#note('store', 'is away')
    for (const one of all) one.setNetwork({ cut: true })
    this.#later(20_000, () => {
      this.#note('store', 'is back')
      for (const one of all) one.setNetwork(HEALTHY)
    })
  }

  compact(): void {
    this.#note('store', 'forgets its history')
    this.#world.server.compact()
  }

  crashContainer(): void {
    const running = this.#world.hosts.flatMap(host =>
      host.engine.containers().flatMap(container => (container.running ? [{ host, container }] : [])),
    )
    if (running.length === 0) return
    const { host, container } = this.#pick(running)
    this.#note(host.name, `${container.name} crashes`)
    host.engine.exit(container, 1)
  }

  /** It is not put right again, not even when everything else is. */
  jumpClock(): void {
    const machine = this.#pick([...this.#world.hosts, ...this.#world.managers])
    const ms = pickIndex(this.#world.random, 2 * JUMP_MS_MAX) - JUMP_MS_MAX
    this.#note(machine.name, `clock jumps by ${ms} ms`)
    machine.wallClock.jump(ms)
  }

  #pick<T>(items: readonly T[]): T {
    return items[pickIndex(this.#world.random, items.length)] as T
  }

  #note(who: string, what: string): void {
    this.#world.events.add(who, `** ${what}`)
  }

  #later(maxMs: number, undo: () => void): void {
    this.#world.clock.setTimer(500 + pickIndex(this.#world.random, maxMs), undo)
  }
}
