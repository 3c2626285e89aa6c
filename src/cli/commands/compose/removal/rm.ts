import type { ProjectView } from '../../../../core/model/control-api.ts'
import { isTerminal } from '../../../../core/model/task.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import { confirm } from '../../system/confirm.ts'
import { currentTasks } from '../manager-api.ts'
import { viewProject } from '../project-tasks.ts'
import { requireService } from '../spec/load-spec.ts'
import { withManager } from '../with-manager.ts'
import { removeServices } from './remove-services.ts'

/** `compose rm`: takes services that do not run out of the project, with `-s` also those that do; `up` brings them back. */
export const runRm = withManager(async command => {
  const { args, options, context, globals, manager: api } = command
  const view = await viewProject(command, context, api)
  for (const name of args) requireService(view.spec, name)
  const names = view.spec.services
    .map(({ name }) => name)
    .filter(name => args.length === 0 || args.includes(name))
    .filter(name => options.flag('stop') || !runs(view, name))
  if (names.length === 0) {
    context.stderr.write('No stopped containers\n')
    return
  }
  const isSure = options.flag('force') || options.flag('dryRun')
  if (!isSure && !(await confirm(`Going to remove ${names.join(', ')}`, context))) return
  const progress = createProgress(globals, context)
  if (options.flag('volumes')) progress.warn('--volumes has no effect: volumes without a name go with their containers')
  await removeServices(view, names, {
    api,
    context,
    progress,
    seconds: undefined,
    dryRun: options.flag('dryRun'),
  })
})

function runs(view: ProjectView, service: string): boolean {
  return currentTasks(view).some(
    task => task.service === service && !isTerminal(task.state) && task.desired === 'running',
  )
}
