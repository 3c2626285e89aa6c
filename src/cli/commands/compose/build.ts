import { imageName, loadProject, nodeFileReader, servicesOf } from '../../../compose/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { createProgress } from '../../output/progress/progress.ts'
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
  const services = Object.keys(servicesOf(project.model))
  if (options.flag('dryRun')) {
    const built = Object.entries(servicesOf(project.model)).filter(([, { build }]) => build !== undefined)
    context.stdout.write(
      built.map(([name, fields]) => `build image ${imageName(project.name, name, fields)}\n`).join(''),
    )
    return 0
  }
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
