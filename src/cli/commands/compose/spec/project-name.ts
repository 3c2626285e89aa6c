import { checkedProjectName, nodeFileReader, openProject } from '../../../../compose/index.ts'
import type { CommandContext, Options } from '../../../command.ts'
import { loadOptions } from './project-options.ts'

/** The project a command is about: `-p` or COMPOSE_PROJECT_NAME need no file; otherwise the files tell. */
export async function projectName(globals: Options, context: CommandContext): Promise<string> {
  return checked(nameAlone(globals, context)) ?? openProject(await loadOptions(globals, context), nodeFileReader).name
}

/** Whether a project is named without files: then it is the one that runs, whatever files lie around. */
export function isNamedAlone(globals: Options, context: CommandContext): boolean {
  return nameAlone(globals, context) !== undefined
}

function checked(name: string | undefined): string | undefined {
  return name === undefined ? undefined : checkedProjectName(name)
}

function nameAlone(globals: Options, { env }: CommandContext): string | undefined {
  const given = globals.text('projectName') ?? env['COMPOSE_PROJECT_NAME']
  return given !== undefined && given !== '' && globals.list('file').length === 0 ? given : undefined
}
