import { attach } from '../container/attach.ts'
import { commit } from '../container/commit.ts'
import { containerOf, pickReplica, viewProject } from './project-tasks.ts'
import { type ComposeCommand, withManager } from './with-manager.ts'

/** `compose attach SERVICE`: talks to a container of a service; the exit code is the container's. */
export const runAttach = withManager(async command => {
  const { id, name } = await replicaOf(command)
  if (!command.options.flag('dryRun')) return attach({ ...command, args: [id] })
  command.context.stdout.write(`attach to container ${name}\n`)
  return 0
})

/** `compose commit SERVICE [IMAGE]`: an image of a service's container. */
export const runCommit = withManager(async command => {
  const { args, options, context } = command
  const { id, name } = await replicaOf(command)
  const [, ...image] = args
  if (!options.flag('dryRun')) await commit({ ...command, args: [id, ...image] })
  else context.stdout.write(`commit container ${name}${image.map(each => ` to ${each}`).join('')}\n`)
})

async function replicaOf(command: ComposeCommand): Promise<{ readonly id: string; readonly name: string }> {
  const { args, options, context, manager } = command
  const task = pickReplica(await viewProject(command, context, manager), args[0] ?? '', options.number('index'))
  return { id: containerOf(task), name: task.name }
}
