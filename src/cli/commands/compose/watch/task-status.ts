import type { TaskView } from '../../../../core/model/control-api.ts'
import { humanDuration } from '../../../output/duration.ts'

/** Docker's word for a task's state, as `--status` and `--format json` have it. */
export function stateWord(task: TaskView): string {
  if (task.shown !== undefined) return task.shown.state
  switch (task.state) {
    case 'pending':
    case 'preparing':
      return task.state
    case 'starting':
      return 'created'
    case 'running':
      return task.paused ? 'paused' : 'running'
    case 'complete':
    case 'failed':
    case 'stopped':
      return 'exited'
    case 'orphaned':
      return 'dead'
  }
}

/** `Up 5 minutes (healthy)`, `Exited (1)`, `Pending: <why>`. */
export function statusText(task: TaskView, nowMs: number): string {
  if (task.shown !== undefined) return task.shown.status
  switch (task.state) {
    case 'pending':
      return because('Pending', (task.pendingReasons ?? []).join('; '))
    case 'preparing':
      return 'Preparing'
    case 'starting':
      return 'Starting'
    case 'running':
      return runningText(task, nowMs)
    case 'complete':
    case 'stopped':
      return `Exited (${task.exitCode ?? 0})`
    case 'failed':
      return task.exitCode === undefined
        ? because('Failed', task.error ?? 'it could not be started')
        : `Exited (${task.exitCode})`
    case 'orphaned':
      return because('Lost', task.error ?? 'its host is gone')
  }
}

function because(word: string, reason: string): string {
  return reason === '' ? word : `${word}: ${reason}`
}

function runningText({ startedAtMs, health, paused, restarts }: TaskView, nowMs: number): string {
  const since = startedAtMs === undefined ? '' : ` ${humanDuration(Math.max(0, nowMs - startedAtMs))}`
  const condition = paused ? ' (Paused)' : health === 'none' ? '' : ` (${healthText(health)})`
  const times = restarts === 0 ? '' : `, restarted ${restarts === 1 ? 'once' : `${restarts} times`}`
  return `Up${since}${condition}${times}`
}

function healthText(health: TaskView['health']): string {
  return health === 'starting' ? 'health: starting' : health
}
