import { showStats } from '../../container/stats.ts'
import { currentTasks } from '../manager-api.ts'
import { containerOf, runningTasks, viewProject } from '../project-tasks.ts'
import { withManager } from '../with-manager.ts'

/** `compose stats`: what the services' containers use, on all hosts; again and again unless told otherwise. */
export const runStats = withManager(async command => {
  const { args, options, context, manager } = command
  return showStats({ ...command, args: [] }, async () => {
    const view = await viewProject(command, context, manager)
    const running = runningTasks(view, args)
    if (!options.flag('all')) return running.map(containerOf)
    const isMeant = (service: string): boolean => args.length === 0 || args.includes(service)
    return currentTasks(view).flatMap(({ service, containerId }) => (isMeant(service) ? (containerId ?? []) : []))
  })
})
