import type { HealthConfig, HealthState } from '../../../docker-api/index.ts'

/** A health check with Docker's defaults filled in; times in milliseconds. */
export interface HealthPlan {
  readonly argv: readonly string[]
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly startPeriodMs: number
  readonly startIntervalMs: number
  readonly retries: number
}

export interface Probe {
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly exitCode: number
  readonly output: string
}

const LOG_ENTRIES_MAX = 5
export const PROBE_OUTPUT_BYTES_MAX = 4096
const NANOSECONDS_PER_MS = 1e6
const DEFAULT_SHELL = ['/bin/sh', '-c']

/** Reads a container's Healthcheck; undefined if it has none or it is disabled. */
export function planHealth(config: HealthConfig | undefined, shell?: readonly string[] | null): HealthPlan | undefined {
  const argv = probeArgv(config?.Test ?? [], shell ?? DEFAULT_SHELL)
  if (argv === undefined) return undefined
  const ms = (nanoseconds: number | undefined, defaultMs: number): number =>
    nanoseconds === undefined || nanoseconds === 0 ? defaultMs : nanoseconds / NANOSECONDS_PER_MS
  return {
    argv,
    intervalMs: ms(config?.Interval, 30_000),
    timeoutMs: ms(config?.Timeout, 30_000),
    startPeriodMs: ms(config?.StartPeriod, 0),
    startIntervalMs: ms(config?.StartInterval, 5_000),
    retries: config?.Retries || 3,
  }
}

function probeArgv([kind, ...rest]: readonly string[], shell: readonly string[]): readonly string[] | undefined {
  if (rest.length === 0) return undefined
  if (kind === 'CMD') return rest
  return kind === 'CMD-SHELL' ? [...(shell.length === 0 ? DEFAULT_SHELL : shell), rest.join(' ')] : undefined
}

export const STARTING_HEALTH: HealthState = { Status: 'starting', FailingStreak: 0, Log: [] }

/**
 * What a probe makes of a container's health, as Docker Engine decides it: one success makes healthy; failures count
 * only after the start period or after the first success, and `retries` in a row make unhealthy.
 */
export function nextHealth(
  state: HealthState,
  probe: Probe,
  { plan, startedAtMs }: { readonly plan: HealthPlan; readonly startedAtMs: number },
): HealthState {
  const Log = [...state.Log, logEntry(probe)].slice(-LOG_ENTRIES_MAX)
  if (probe.exitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log }
  const isForgiven = state.Status === 'starting' && probe.startedAtMs - startedAtMs < plan.startPeriodMs
  const FailingStreak = isForgiven ? state.FailingStreak : state.FailingStreak + 1
  return { Status: FailingStreak >= plan.retries ? 'unhealthy' : state.Status, FailingStreak, Log }
}

/** How long to wait before the next probe. */
export function probeDelayMs(
  state: HealthState,
  plan: HealthPlan,
  { nowMs, startedAtMs }: { readonly nowMs: number; readonly startedAtMs: number },
): number {
  const isStarting = state.Status === 'starting' && nowMs - startedAtMs < plan.startPeriodMs
  return isStarting ? plan.startIntervalMs : plan.intervalMs
}

function logEntry({ startedAtMs, endedAtMs, exitCode, output }: Probe): HealthState['Log'][number] {
  const bytes = Buffer.from(output)
  const isLong = bytes.length > PROBE_OUTPUT_BYTES_MAX
  return {
    Start: new Date(startedAtMs).toISOString(),
    End: new Date(endedAtMs).toISOString(),
    ExitCode: exitCode,
    Output: isLong ? `${bytes.toString('utf8', 0, PROBE_OUTPUT_BYTES_MAX)}...` : output,
  }
}
