import { invalidInput, notFound } from '../../../core/errors.ts'
import type { ProjectView, TaskView } from '../../../core/model/control-api.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { requireProject } from './change-replicas.ts'
import { currentTasks, type ManagerApi } from './manager-api.ts'
import { requireService } from './spec/load-spec.ts'
import { projectName } from './spec/project-name.ts'

/** The project a command is about, with what the manager sees of it. Throws for one that is not up. */
export async function viewProject(
  { globals }: Pick<Invocation, 'globals'>,
  context: CommandContext,
  api: ManagerApi,
): Promise<ProjectView> {
  return requireProject(api, await projectName(globals, context))
}

/** The replicas of these services (of all, if none is named) that run, in order. Throws for a service that is not there. */
export function runningTasks(view: ProjectView, services: readonly string[]): readonly TaskView[] {
  for (const name of services) requireService(view.spec, name)
  return currentTasks(view)
    .filter(task => task.state === 'running' && (services.length === 0 || services.includes(task.service)))
    .toSorted((a, b) => (a.service === b.service ? a.slot - b.slot : a.service < b.service ? -1 : 1))
}

/** One replica of a service: the one with this number, or the first that runs. Throws NOT_RUNNING. */
export function pickReplica(view: ProjectView, service: string, index: number | undefined): TaskView {
  const running = runningTasks(view, [service])
  const task = index === undefined ? running[0] : running.find(candidate => candidate.slot === index)
  if (task !== undefined) return task
  const which = index === undefined ? '' : ` container #${index}`
  throw notFound('NOT_RUNNING', `service "${service}" is not running${which}; see \`compose ps -a\``)
}

/** A container as the Docker Engine API takes it. */
export function containerOf(task: TaskView): string {
  return task.containerId ?? task.name
}

/** Reads a port's number. Throws BAD_FLAG. */
export function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw invalidInput('BAD_FLAG', `Cannot read port "${text}": expected a number from 1 to 65535`)
}
