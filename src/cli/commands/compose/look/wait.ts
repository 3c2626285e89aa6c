import { notFound } from '../../../../core/errors.ts'
import { containerOf, runningTasks, viewProject } from '../project-tasks.ts'
import { withManager } from '../with-manager.ts'

/** `compose wait SERVICE…`: until the containers of the services have ended; ends with the code of the last one. */
export const runWait = withManager(async command => {
  const { args, options, context, manager } = command
  const view = await viewProject(command, context, manager)
  const tasks = runningTasks(view, args)
  if (tasks.length === 0) throw notFound('NOT_RUNNING', `no containers for project "${view.spec.name}"`)
  let code = 0
  await Promise.all(
    tasks.map(async task => {
      const id = containerOf(task)
      const ended = await manager.engine.containers.wait(id, { condition: 'not-running' }, context.signal)
      context.stdout.write(`container "${id}" exited with status code ${ended.StatusCode}\n`)
      code = ended.StatusCode
    }),
  )
  if (options.flag('downProject')) {
    const { runDown } = await import('../removal/down.ts')
    await runDown({ ...command, args: [] }, context)
  }
  return code
})
