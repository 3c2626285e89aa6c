import type { PlanStep, ProjectView, TaskView } from '../../../../core/model/control-api.ts'
import type { ProgressPart } from '../../../output/progress/tree-lines.ts'
import { tameLine } from '../../../output/tame-line.ts'
import { currentTasks } from '../manager-api.ts'

/** What a person waits for: that everything has started, is healthy, or has done its work. */
type Goal = 'started' | 'healthy' | 'completed'

export interface ServiceProgress {
  readonly service: string
  /** `Running 2/3`, `Waiting for …`. */
  readonly news: string
  readonly reached: boolean
  /** Nothing but a person will change this: an image that does not exist, no host that fits. */
  readonly failure?: string
}

export interface Watched {
  readonly goal: Goal
  readonly services: readonly string[]
  /** Tasks that were there before the change: their old failures are not news. */
  readonly before: ReadonlySet<string>
  /** Services whose tasks are being replaced: their old tasks are not the result. */
  readonly replaced: ReadonlySet<string>
  /** Tasks that run, but have not proved yet that they stay up. */
  readonly unsteady?: ReadonlySet<string> | undefined
}

/** Services whose tasks a plan replaces. */
export function replacedServices(steps: readonly PlanStep[]): ReadonlySet<string> {
  return new Set(steps.filter(step => step.kind === 'service' && step.action === 'update').map(step => step.name))
}

/** How far each watched service is, told from what the manager sees now. */
export function rolloutProgress(view: ProjectView, watched: Watched): readonly ServiceProgress[] {
  const tasks = currentTasks(view)
  return watched.services.map(name => {
    const service = view.services.find(candidate => candidate.name === name)
    const wanted = service?.wanted ?? 0
    const own = tasks.filter(task => task.service === name && (task.slot <= wanted || task.desired === 'running'))
    const failure = rollback(service, watched) ?? firstFailure(view, name, watched)
    if (service === undefined || failure !== undefined) {
      return { service: name, reached: false, news: 'Failed', ...(failure === undefined ? {} : { failure }) }
    }
    const started = own.filter(task => hasStarted(task, watched)).length
    const isSteady = own.every(({ id }) => watched.unsteady?.has(id) !== true)
    const reached =
      isSteady && isReached(watched.goal, { own, converged: service.converged, hasStarted: started >= wanted })
    return { service: name, reached, news: newsOf(own, { reached, started, wanted, watched }) }
  })
}

function isReached(
  goal: Goal,
  { own, converged, hasStarted }: { own: readonly TaskView[]; converged: boolean; hasStarted: boolean },
): boolean {
  if (goal === 'completed') return own.every(({ state }) => state === 'complete')
  return goal === 'healthy' ? converged : converged || hasStarted
}

function hasStarted(task: TaskView, { before, replaced }: Watched): boolean {
  if (replaced.has(task.service) && before.has(task.id)) return false
  // It has started once, on a host that is gone.
  if (task.state === 'orphaned') return false
  return task.state === 'running' || task.state === 'complete' || task.startedAtMs !== undefined
}

/** An update that was taken back did not come to what was asked for. */
function rollback(service: ProjectView['services'][number] | undefined, { replaced }: Watched): string | undefined {
  if (service?.rolledBack === undefined || !replaced.has(service.name)) return undefined
  const { name, rolledBack, printed = [] } = service
  const why = `${name}, which was rolled back: ${rolledBack}`
  if (printed.length === 0) return why
  return [`${why}. The last it printed:`, ...printed.map(({ text }) => `  ${tameLine(text)}`)].join('\n')
}

function firstFailure(view: ProjectView, service: string, { before, goal }: Watched): string | undefined {
  const failed = view.tasks.find(
    task =>
      task.service === service &&
      task.state === 'failed' &&
      !before.has(task.id) &&
      (task.startedAtMs === undefined || goal !== 'started'),
  )
  if (failed === undefined) return undefined
  const exit = failed.exitCode === undefined ? 'it could not be started' : `it exited with code ${failed.exitCode}`
  const where = failed.node === undefined ? '' : ` on ${failed.node}`
  return `${failed.name}${where}: ${failed.error ?? exit}`
}

function newsOf(
  tasks: readonly TaskView[],
  { reached, started, wanted, watched }: { reached: boolean; started: number; wanted: number; watched: Watched },
): string {
  if (reached) return wanted === 0 ? 'Scaled to 0' : reachedWord(tasks, watched)
  const reasons = [...new Set(tasks.flatMap(task => task.pendingReasons ?? []))]
  const [first] = reasons
  if (first !== undefined) return isDependencyWait(first) ? capital(first) : `Pending: ${reasons.join('; ')}`
  const count = wanted === 1 ? '' : ` ${started}/${wanted}`
  const preparing = tasks.some(task => task.state === 'preparing')
  if (started >= wanted) return watched.goal === 'completed' ? 'Waiting to be done' : 'Waiting to be healthy'
  return `${preparing ? 'Preparing' : 'Starting'}${count}`
}

function reachedWord(tasks: readonly TaskView[], { goal, before }: Watched): string {
  if (tasks.every(task => task.state === 'complete')) return 'Completed'
  if (goal === 'healthy' && tasks.some(task => task.health === 'healthy')) return 'Healthy'
  return tasks.every(task => before.has(task.id)) ? 'Running' : 'Started'
}

function isDependencyWait(reason: string): boolean {
  return reason.startsWith('waits for ')
}

function capital(text: string): string {
  return text.replace(/^./, letter => letter.toUpperCase())
}

/** Each replica of a service, and how it is: `shop-web-1 on n2`, `preparing`. */
export function replicaNews(view: ProjectView, service: string): readonly ProgressPart[] {
  return currentTasks(view)
    .filter(task => task.service === service && task.desired === 'running')
    .toSorted((a, b) => a.slot - b.slot)
    .map(({ name, node, state, health, pendingReasons = [] }) => ({
      name: node === undefined ? name : `${name} on ${node}`,
      news: [state, ...(state === 'running' && health !== 'none' ? [health] : []), ...pendingReasons].join(', '),
    }))
}

/** Tasks that no host can take, with the reasons; waiting for another service is not one. */
export function unplaced(view: ProjectView, services: readonly string[]): readonly string[] {
  return currentTasks(view).flatMap(task => {
    const reasons = (task.pendingReasons ?? []).filter(reason => !isDependencyWait(reason))
    const isWatched = services.includes(task.service) && task.desired === 'running'
    return isWatched && reasons.length > 0 ? [`${task.name}: ${reasons.join('; ')}`] : []
  })
}
