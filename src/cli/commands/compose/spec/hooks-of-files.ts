import {
  hooksOf,
  loadProject,
  NoComposeFile,
  nodeFileReader,
  type Project,
  servicesOf,
} from '../../../../compose/index.ts'
import { errorMessage } from '../../../../core/errors.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import type { HooksOf } from '../one-engine/with-hooks.ts'
import { isNamedAlone } from './project-name.ts'
import { loadOptions } from './project-options.ts'

interface Asking {
  readonly globals: Invocation['globals']
  readonly warn: (message: string) => void
}

/**
 * What the files want done in containers as those are started and stopped: an engine keeps none of it. Nothing where a project is
 * named without files, as with docker compose. Files that cannot be read do not keep containers from being stopped.
 */
export async function hooksOfFiles({ globals, warn }: Asking, context: CommandContext): Promise<HooksOf> {
  if (isNamedAlone(globals, context)) return new Map()
  const load = await loadOptions(globals, context, { profiles: ['*'], warn: () => {} })
  try {
    return hooksOfProject(loadProject(load, nodeFileReader))
  } catch (error) {
    if (!(error instanceof NoComposeFile)) warn(`No hooks of services are run: ${errorMessage(error)}`)
    return new Map()
  }
}

/** The same of files that were read already. Pure. */
export function hooksOfProject(project: Project): HooksOf {
  return new Map(
    Object.entries(servicesOf(project.model)).map(([name, { post_start: started, pre_stop: stops }]) => [
      name,
      { postStart: hooksOf(started) ?? [], preStop: hooksOf(stops) ?? [] },
    ]),
  )
}
