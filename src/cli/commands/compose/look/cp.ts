import { invalidInput } from '../../../../core/errors.ts'
import { copy, parsePlace } from '../../container/cp.ts'
import { containerOf, pickReplica, runningTasks, viewProject } from '../project-tasks.ts'
import { withManager } from '../with-manager.ts'

/** `compose cp`: files into every replica of a service (or one), or out of one. */
export const runCp = withManager(async command => {
  const { args, options, context, manager } = command
  const [from = '', to = ''] = args
  const { service, path, isOut } = direction(from, to)
  const view = await viewProject(command, context, manager)
  const index = options.number('index')
  const one = isOut || index !== undefined
  const running = one ? [] : runningTasks(view, [service])
  const tasks = running.length > 0 ? running : [pickReplica(view, service, index)]
  if (options.flag('dryRun')) {
    for (const task of tasks) context.stdout.write(`copy ${from} to ${to} (${task.name})\n`)
    return
  }
  if (tasks.length > 1 && from === '-') {
    throw invalidInput('BAD_FLAG', 'standard input can be copied to one container only: name it with --index')
  }
  for (const task of tasks) {
    const there = `${containerOf(task)}:${path}`
    await copy({ ...command, args: isOut ? [there, to] : [from, there] })
  }
})

function direction(from: string, to: string): { service: string; path: string; isOut: boolean } {
  const [source, target] = [parsePlace(from), parsePlace(to)]
  const isOut = source.container !== undefined
  if (isOut && target.container !== undefined) {
    throw invalidInput('BAD_FLAG', 'copying between services is not supported')
  }
  const { container: service, path } = isOut ? source : target
  if (service === undefined)
    throw invalidInput('BAD_FLAG', 'unknown copy direction: one of the two must be SERVICE:PATH')
  return { service, path, isOut }
}
