import { showStats } from '../../container/stats.ts'
import { containerOf, runningTasks, viewProject } from '../project-tasks.ts'
import { withManager } from '../with-manager.ts'

/** `compose stats`: what the services' containers use, on all hosts; again and again unless told otherwise. */
export const runStats = withManager(async command => {
  const { args, context, manager } = command
  return showStats({ ...command, args: [] }, async () =>
    runningTasks(await viewProject(command, context, manager), args).map(containerOf),
  )
})
