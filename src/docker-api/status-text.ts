import type { ContainerState, ContainerStatus, HealthState } from './container-types.ts'

/** As much of a state as its text is made of. */
export type ShownState = Pick<ContainerState, 'Status' | 'StartedAt' | 'FinishedAt' | 'ExitCode'> & {
  readonly Health?: Pick<HealthState, 'Status'>
}

/** Docker's status column: `Up 5 minutes (healthy)`, `Exited (0) 2 hours ago`. Source: Docker's `ps`. */
export function statusText(state: ShownState, nowMs: number): string {
  const upFor = humanDuration(nowMs - Date.parse(state.StartedAt))
  const ago = humanDuration(nowMs - Date.parse(state.FinishedAt))
  const status: ContainerStatus = state.Status
  switch (status) {
    case 'running':
      return `Up ${upFor}${healthText(state)}`
    case 'paused':
      return `Up ${upFor} (Paused)`
    case 'restarting':
      return `Restarting (${state.ExitCode}) ${ago} ago`
    case 'removing':
      return 'Removal In Progress'
    case 'dead':
      return 'Dead'
    case 'created':
      return 'Created'
    case 'exited':
      return `Exited (${state.ExitCode}) ${ago} ago`
  }
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
