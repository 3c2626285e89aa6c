import type { ProjectView } from '../../../../core/model/control-api.ts'
import { isTerminal } from '../../../../core/model/task.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import { confirm } from '../../system/confirm.ts'
import { currentTasks } from '../manager-api.ts'
import { containersOf } from '../one-engine/change-state.ts'
import { engineRun } from '../one-engine/engine-run.ts'
import { isUp } from '../one-engine/known-containers.ts'
import { removeInOrder } from '../one-engine/take-down.ts'
import { viewProject } from '../project-tasks.ts'
import { requireService } from '../spec/load-spec.ts'
import { projectName } from '../spec/project-name.ts'
import { type ComposeCommand, withManager } from '../with-manager.ts'
import { removeServices } from './remove-services.ts'

/** `compose rm`: takes services that do not run out of the project, with `-s` also those that do; `up` brings them back. */
export const runRm = withManager(async command => {
  const { args, options, context, globals, manager: api } = command
  if ((await api.runner()) === 'engine') return removeHere(command)
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

/** On one engine containers are removed, not services. */
async function removeHere(command: ComposeCommand): Promise<void> {
  const { args, options, context, globals, manager } = command
  const progress = createProgress(globals, context)
  const run = engineRun(manager, { context, progress, options })
  const all = await containersOf(await projectName(globals, context), args, run)
  const gone = all.filter(each => options.flag('stop') || !isUp(each))
  if (gone.length === 0) {
    context.stderr.write('No stopped containers\n')
    return
  }
  const names = gone.map(({ name }) => name)
  if (options.flag('dryRun'))
    return void context.stdout.write(names.map(name => `- remove container ${name}\n`).join(''))
  if (!options.flag('force') && !(await confirm(`Going to remove ${names.join(', ')}`, context))) return
  await removeInOrder(gone, { ...run, volumes: options.flag('volumes') })
}

function runs(view: ProjectView, service: string): boolean {
  return currentTasks(view).some(
    task => task.service === service && !isTerminal(task.state) && task.desired === 'running',
  )
}
