import { loadProject, NoComposeFile, nodeFileReader, type Project } from '../../../../compose/index.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { isNamedAlone } from './project-name.ts'
import { loadOptions } from './project-options.ts'

/**
 * What the files say, of all profiles, if there are any: `-p shop down` needs none. Those that cannot be read must not pass for none:
 * all would be removed.
 */
export async function filesOfProject(
  globals: Invocation['globals'],
  context: CommandContext,
): Promise<Project | undefined> {
  const load = await loadOptions(globals, context, { profiles: ['*'], warn: () => {} })
  try {
    return loadProject(load, nodeFileReader)
  } catch (error) {
    if (error instanceof NoComposeFile) return undefined
    throw error
  }
}

/** Tells a service that the files name from an orphan; where the project is named without files there are no orphans. */
export async function isInFiles(
  globals: Invocation['globals'],
  context: CommandContext,
): Promise<(service: string) => boolean> {
  const project = isNamedAlone(globals, context) ? undefined : await filesOfProject(globals, context)
  return service => project?.serviceNames.includes(service) !== false
}
