import { asList, loadProject, nodeFileReader, servicesOf } from '../../../../compose/index.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { withLocalHost } from '../../../manager/local-host.ts'
import { managerApi } from '../manager-api.ts'
import { isNamedAlone, projectName } from './project-name.ts'
import { loadOptions } from './project-options.ts'

/** The services of the files, or of a project that is named without files as it runs. */
export async function serviceNames(invocation: Invocation, context: CommandContext): Promise<readonly string[]> {
  const { globals } = invocation
  if (!isNamedAlone(globals, context)) return (await loaded(invocation, context)).serviceNames
  const api = managerApi(await withLocalHost(invocation, context), context)
  const view = await api.project(await projectName(globals, context))
  return (view?.spec.services ?? []).map(({ name }) => name)
}

/** The profiles of the files. */
export async function profileNames(invocation: Invocation, context: CommandContext): Promise<readonly string[]> {
  const services = Object.values(servicesOf((await loaded(invocation, context)).model))
  return services.flatMap(service => asList(service['profiles']).map(String))
}

/** The projects that there are. */
export async function projectNames(invocation: Invocation, context: CommandContext): Promise<readonly string[]> {
  const api = managerApi(await withLocalHost(invocation, context), context)
  return (await api.projects()).map(({ name }) => name)
}

/** The files as they are while they are worked on: what is missing elsewhere keeps no name from being told. */
async function loaded({ globals }: Invocation, context: CommandContext): Promise<ReturnType<typeof loadProject>> {
  const skip = new Set(['interpolate', 'consistency', 'env-files'] as const)
  return loadProject(await loadOptions(globals, context, { profiles: ['*'], skip, warn: () => {} }), nodeFileReader)
}
