import { loadProject, nodeFileReader } from '../../../compose/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { createProgress } from '../../output/progress.ts'
import { managerApi } from './manager-api.ts'
import { buildServices } from './spec/build-services.ts'
import { loadOptions } from './spec/project-options.ts'

/** `compose build`: builds the images of services that have a `build` section. */
export async function runBuild(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals, args } = invocation
  const load = await loadOptions(globals, context, {
    services: args,
    withDependencies: options.flag('withDependencies'),
  })
  const project = loadProject(load, nodeFileReader)
  const services = Object.keys(project.model['services'] as object)
  const buildArgs = Object.fromEntries(
    options.list('buildArg').flatMap(text => {
      const [key = '', ...rest] = text.split('=')
      const value = rest.length > 0 ? rest.join('=') : project.variables.get(key)
      return value === undefined ? [] : [[key, value] as const]
    }),
  )
  await buildServices(project, {
    api: managerApi(invocation, context),
    context,
    progress: createProgress(globals, context),
    policy: 'always',
    services,
    noCache: options.choice('cache') === false,
    pull: options.flag('pull'),
    quiet: options.flag('quiet'),
    buildArgs,
  })
  return 0
}
