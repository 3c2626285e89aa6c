import { mapParallel } from '../../../../core/parallel.ts'
import { renderCells } from '../../../output/table.ts'
import { containerOf, runningTasks, viewProject } from '../project-tasks.ts'
import { withManager } from '../with-manager.ts'

const PARALLEL = 8

/** `compose top`: the processes of the services' containers, on all hosts. */
export const runTop = withManager(async command => {
  const { args, context, manager } = command
  const tasks = runningTasks(await viewProject(command, context, manager), args)
  const tables = await mapParallel(tasks, PARALLEL, async task => ({
    task,
    ...(await manager.engine.containers.top(containerOf(task))),
  }))
  const [first] = tables
  if (first === undefined) return
  const hasNodes = tasks.some(({ node }) => node !== undefined)
  const head = ['SERVICE', '#', ...first.Titles, ...(hasNodes ? ['NODE'] : [])]
  const lines = tables.flatMap(({ task, Processes }) =>
    Processes.map(cells => [task.service, String(task.slot), ...cells, ...(hasNodes ? [task.node ?? ''] : [])]),
  )
  context.stdout.write(renderCells([head, ...lines], { minWidth: 4, gap: 3 }))
})
