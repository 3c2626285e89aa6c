import { type Clock, type Timer, withDeadline } from '../../../core/clock.ts'
import { formatDuration } from '../../../core/duration.ts'
import { errorMessage, failed } from '../../../core/errors.ts'
import type { HealthState } from '../../../docker-api/index.ts'
import { type HealthPlan, nextHealth, type Probe, probeDelayMs, STARTING_HEALTH } from './health-state.ts'

export interface HealthPorts {
  readonly clock: Clock
  /** Runs a command in a container. Must kill it when the signal is aborted, at the latest after `timeoutMs`. */
  readonly exec: {
    readonly run: (
      containerId: string,
      argv: readonly string[],
      options: { readonly timeoutMs: number; readonly signal: AbortSignal },
    ) => Promise<{ readonly exitCode: number; readonly output: string }>
  }
  /** Called after every probe; `changed` if the status is another one than before. */
  readonly onProbe: (containerId: string, state: HealthState, changed: boolean) => void
}

export interface WatchedContainer {
  readonly plan: HealthPlan
  /** When the container's process started, on the wall clock. */
  readonly startedAtMs: number
  /** Where to go on after the engine was restarted; absent: `starting`. */
  readonly state?: HealthState
}

interface Watch {
  state: HealthState
  timer: Timer | undefined
  readonly stop: AbortController
}

/** Probes containers, one probe at a time for each, and keeps their health. */
export class HealthMonitor {
  readonly #ports: HealthPorts
  readonly #watches = new Map<string, Watch>()

  constructor(ports: HealthPorts) {
    this.#ports = ports
  }

  /** Begins (or begins anew) to probe a container that runs; returns the health it has now. */
  start(containerId: string, container: WatchedContainer): HealthState {
    this.stop(containerId)
    const watch: Watch = { state: container.state ?? STARTING_HEALTH, timer: undefined, stop: new AbortController() }
    this.#watches.set(containerId, watch)
    this.#schedule(containerId, container, watch)
    return watch.state
  }

  /** Ends the probes of a container that stopped, was paused or is removed. A probe under way is killed and not counted. */
  stop(containerId: string): void {
    const watch = this.#watches.get(containerId)
    this.#watches.delete(containerId)
    watch?.timer?.cancel()
    watch?.stop.abort(new Error('The health check was stopped'))
  }

  get(containerId: string): HealthState | undefined {
    return this.#watches.get(containerId)?.state
  }

  close(): void {
    for (const containerId of this.#watches.keys()) this.stop(containerId)
  }

  #schedule(containerId: string, container: WatchedContainer, watch: Watch): void {
    const { startedAtMs, plan } = container
    const delayMs = probeDelayMs(watch.state, plan, { nowMs: this.#ports.clock.nowMs(), startedAtMs })
    watch.timer = this.#ports.clock.setTimer(delayMs, () => void this.#probe(containerId, container, watch))
  }

  async #probe(containerId: string, container: WatchedContainer, watch: Watch): Promise<void> {
    const startedAtMs = this.#ports.clock.nowMs()
    const { exitCode, output } = await this.#run(containerId, container.plan, watch.stop.signal)
    if (watch.stop.signal.aborted) return
    const probe: Probe = { startedAtMs, endedAtMs: this.#ports.clock.nowMs(), exitCode, output }
    const before = watch.state.Status
    watch.state = nextHealth(watch.state, probe, container)
    this.#ports.onProbe(containerId, watch.state, watch.state.Status !== before)
    // The callback may have stopped the watch: a container that became unhealthy may be killed for it.
    if (!watch.stop.signal.aborted) this.#schedule(containerId, container, watch)
  }

  async #run(containerId: string, { argv, timeoutMs }: HealthPlan, stop: AbortSignal) {
    const { clock, exec } = this.#ports
    const onTimeout = (): Error =>
      failed('PROBE_TIMEOUT', `Health check exceeded timeout (${formatDuration(timeoutMs)})`)
    try {
      return await withDeadline(signal => exec.run(containerId, argv, { timeoutMs, signal }), timeoutMs, {
        clock,
        signal: stop,
        onTimeout,
      })
    } catch (error) {
      return { exitCode: -1, output: errorMessage(error) }
    }
  }
}
