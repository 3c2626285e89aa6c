import type { ContainerState, ContainerStatus, HealthState } from './container-types.ts'

/** As much of a state as its text is made of. */
export type ShownState = Pick<ContainerState, 'Status' | 'StartedAt' | 'FinishedAt' | 'ExitCode'> & {
  readonly Health?: Pick<HealthState, 'Status'>
}

/** Docker's status column: `Up 5 minutes (healthy)`, `Exited (0) 2 hours ago`. Source: Docker's `ps`. */
export function statusText(state: ShownState, nowMs: number): string {
  const sinceMs = countedFromMs(state)
  const passed = sinceMs === undefined ? '' : humanDuration(nowMs - sinceMs)
  const status: ContainerStatus = state.Status
  switch (status) {
    case 'running':
      return `Up ${passed}${healthText(state)}`
    case 'paused':
      return `Up ${passed} (Paused)`
    case 'restarting':
      return `Restarting (${state.ExitCode}) ${passed} ago`
    case 'removing':
      return 'Removal In Progress'
    case 'dead':
      return 'Dead'
    case 'created':
      return 'Created'
    case 'exited':
      return `Exited (${state.ExitCode}) ${passed} ago`
  }
}

/** Until when {@link statusText} tells the same if nothing happens, on the same clock; Infinity: for ever. */
export function statusUntilMs(state: ShownState, nowMs: number): number {
  const sinceMs = countedFromMs(state)
  if (sinceMs === undefined) return Number.POSITIVE_INFINITY
  const seconds = Math.floor((nowMs - sinceMs) / 1_000)
  if (seconds < 60) return sinceMs + (seconds + 1) * 1_000
  if (seconds < 3_600) return sinceMs + (Math.floor(seconds / 60) + 1) * 60_000
  return sinceMs + (Math.round(seconds / 3_600) + 0.5) * 3_600_000
}

/** When what its text tells the time since was, in milliseconds since 1970. */
function countedFromMs({ Status, StartedAt, FinishedAt }: ShownState): number | undefined {
  if (Status === 'running' || Status === 'paused') return Date.parse(StartedAt)
  return Status === 'restarting' || Status === 'exited' ? Date.parse(FinishedAt) : undefined
}

function healthText({ Health }: ShownState): string {
  if (Health === undefined || Health.Status === 'none') return ''
  return Health.Status === 'starting' ? ' (health: starting)' : ` (${Health.Status})`
}

/** A duration in words, as Docker's units package writes it. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.round(seconds / 3_600)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`
  return `${Math.floor(hours / 24 / 365)} years`
}
