import { nodeFileReader, openProject } from '../../../../compose/index.ts'
import type { CommandContext, Options } from '../../../command.ts'
import { loadOptions } from './project-options.ts'

/** The project a command is about: `-p` or COMPOSE_PROJECT_NAME need no file; otherwise the files tell. */
export async function projectName(globals: Options, context: CommandContext): Promise<string> {
  const given = globals.text('projectName') ?? context.env['COMPOSE_PROJECT_NAME']
  if (given !== undefined && given !== '' && globals.list('file').length === 0) return given
  return openProject(await loadOptions(globals, context), nodeFileReader).name
}
