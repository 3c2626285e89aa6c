import { refuseOutput, writeTo } from '../../image/output-file.ts'
import { containerOf, pickReplica, viewProject } from '../project-tasks.ts'
import { withManager } from '../with-manager.ts'

/** `compose export SERVICE`: the files of a container as a tar, without those of volumes. */
export const runExport = withManager(async command => {
  const { args, options, context, manager } = command
  const [service = ''] = args
  const output = options.text('output')
  await refuseOutput(output, 'failed to export container', context)
  const task = pickReplica(await viewProject(command, context, manager), service, options.number('index'))
  if (options.flag('dryRun')) {
    context.stdout.write(`export container ${task.name}${output === undefined ? '' : ` to ${output}`}\n`)
    return
  }
  await writeTo(await manager.engine.containers.export(containerOf(task)), output, context)
})
