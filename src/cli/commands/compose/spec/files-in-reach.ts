import { loadProject, NoComposeFile, nodeFileReader, type Project } from '../../../../compose/index.ts'
import { errorMessage } from '../../../../core/errors.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { isNamedAlone } from './project-name.ts'
import { loadOptions } from './project-options.ts'

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
  const load = await loadOptions(globals, context, { profiles: ['*'], warn: () => {} })
  try {
    return loadProject(load, nodeFileReader)
  } catch (error) {
    if (!(error instanceof NoComposeFile)) tell(errorMessage(error))
    return undefined
  }
}
