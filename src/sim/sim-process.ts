import { type Clock, sleep, type Timer } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { pickIndex, type Random } from '../core/random.ts'
import type { MemoryStore, Store, StoreLink } from '../discovery/index.ts'
import type { EventLog } from './event-log.ts'

export interface ProcessWorld {
  readonly clock: Clock
  readonly server: MemoryStore
  readonly events: EventLog
}

/** How a process reaches the store. */
export interface NetworkFaults {
  cut: boolean
  /** Longest time a message takes, in milliseconds. */
  latencyMs: number
  /** Share of messages that never arrive. */
  loss: number
}

/**
 * A program that can be killed at any instant. It sees the world only through the ports made here, and once it is killed
 * none of them does anything any more: timers do not fire, calls do not return, log lines vanish. What it had sent by
 * then has happened.
 */
export class SimProcess {
  readonly name: string
  readonly random: Random
  readonly clock: Clock
  readonly log: Log
  readonly store: Store
  readonly network: NetworkFaults = { cut: false, latencyMs: 5, loss: 0 }
  readonly #world: ProcessWorld
  readonly #timers = new Set<Timer>()
  readonly #restored = new Set<() => void>()
  readonly #deferred: (() => void)[] = []
  #alive = true
  #paused = false

  constructor(name: string, random: Random, world: ProcessWorld) {
    this.name = name
    this.random = random
    this.#world = world
    this.clock = {
      nowMs: world.clock.nowMs,
      nowMicros: world.clock.nowMicros,
      monotonicMs: world.clock.monotonicMs,
      setTimer: (delayMs, run) => this.#setTimer(delayMs, run),
    }
    this.log = world.events.logOf(name, () => !this.#alive)
    this.store = world.server.connect(this.#link())
  }

  get alive(): boolean {
    return this.#alive
  }

  /** As by `kill -9`. */
  kill(): void {
    this.#alive = false
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    void this.store.close()
  }

  /** As by SIGSTOP: it does nothing until it is resumed, and then finds everything late. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    for (let run = this.#deferred.shift(); run !== undefined; run = this.#deferred.shift()) run()
    this.#rouse()
  }

  setNetwork(change: Partial<NetworkFaults>): void {
    Object.assign(this.network, change)
    this.#rouse()
  }

  /** Takes a short random time, and for ever once the process is dead. */
  async delay(maxMs: number): Promise<void> {
    await sleep(this.clock, 1 + pickIndex(this.random, Math.max(1, maxMs)))
  }

  #rouse(): void {
    if (this.#isReached()) for (const listener of this.#restored) listener()
  }

  #isReached(): boolean {
    return this.#alive && !this.#paused && !this.network.cut
  }

  #setTimer(delayMs: number, run: () => void): Timer {
    if (!this.#alive) return { cancel() {} }
    const fire = (): void => {
      if (this.#paused) {
        this.#deferred.push(fire)
        return
      }
      if (!this.#timers.delete(handle)) return
      if (this.#alive) run()
    }
    const timer = this.#world.clock.setTimer(delayMs, fire)
    const handle: Timer = {
      cancel: () => {
        this.#timers.delete(handle)
        timer.cancel()
      },
    }
    this.#timers.add(handle)
    return handle
  }

  #link(): StoreLink {
    return {
      carry: async () => {
        await this.delay(this.network.latencyMs)
        return this.network.cut || this.random.next() < this.network.loss ? 'lost' : 'through'
      },
      isUp: () => this.#isReached(),
      onRestored: listener => {
        this.#restored.add(listener)
        return () => void this.#restored.delete(listener)
      },
    }
  }
}
