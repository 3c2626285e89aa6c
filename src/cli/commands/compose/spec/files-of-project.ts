import { loadProject, NoComposeFile, nodeFileReader, type Project } from '../../../../compose/index.ts'
import { errorMessage } from '../../../../core/errors.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { isNamedAlone } from './project-name.ts'
import { loadOptions } from './project-options.ts'

/**
 * What the files say, of all profiles, if there are any: `-p shop down` needs none. Those that cannot be read must not pass for none
 * where all would be removed then: it throws, unless somebody takes the error.
 */
export async function filesOfProject(
  globals: Invocation['globals'],
  context: CommandContext,
  onUnreadable: (error: unknown) => void = rethrow,
): Promise<Project | undefined> {
  const load = await loadOptions(globals, context, { profiles: ['*'], warn: () => {} })
  try {
    return loadProject(load, nodeFileReader)
  } catch (error) {
    if (!(error instanceof NoComposeFile)) onUnreadable(error)
    return undefined
  }
}

function rethrow(error: unknown): never {
  throw error
}

/**
 * What the files say of a project, for a command that goes by what runs and only asks them for more; undefined where a project is named
 * without files, as with docker compose, and where there are none or none that can be read, which is told.
 */
export async function filesInReach(
  globals: Invocation['globals'],
  context: CommandContext,
  tell: (why: string) => void = () => {},
): Promise<Project | undefined> {
  if (isNamedAlone(globals, context)) return undefined
  return filesOfProject(globals, context, error => tell(errorMessage(error)))
}

/** Tells a service that the files name from an orphan; where the project is named without files there are no orphans. */
export async function isInFiles(
  globals: Invocation['globals'],
  context: CommandContext,
): Promise<(service: string) => boolean> {
  const project = isNamedAlone(globals, context) ? undefined : await filesOfProject(globals, context)
  return service => project?.serviceNames.includes(service) !== false
}
