import { invalidInput } from '../../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import { copy, parsePlace } from '../../container/cp.ts'
import type { ManagerApi } from '../manager-api.ts'
import { containerOf, pickReplica, runningTasks, viewProject } from '../project-tasks.ts'
import { nameOf, oneOffs } from '../removal/one-offs.ts'
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
  const single = options.flag('all') && !one ? await runByHand(view.spec.name, service, manager) : []
  const replicas = running.length + single.length > 0 ? running : [pickReplica(view, service, index)]
  const targets = [...replicas.map(task => ({ id: containerOf(task), name: task.name })), ...single]
  if (options.flag('dryRun')) {
    for (const { name } of targets) context.stdout.write(`copy ${from} to ${to} (${name})\n`)
    return
  }
  if (targets.length > 1 && from === '-') {
    throw invalidInput('BAD_FLAG', 'standard input can be copied to one container only: name it with --index')
  }
  for (const { id } of targets) {
    const there = `${id}:${path}`
    await copy({ ...command, args: isOut ? [there, to] : [from, there] })
  }
})

/** What `run` has made of a service, and runs. */
async function runByHand(
  project: string,
  service: string,
  manager: ManagerApi,
): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const containers = (await oneOffs(project, manager)).filter(({ State }) => State === 'running')
  const own = containers.filter(({ Labels }) => Labels[COMPOSE_LABELS.service] === service)
  return own.map(container => ({ id: container.Id, name: nameOf(container) }))
}

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
