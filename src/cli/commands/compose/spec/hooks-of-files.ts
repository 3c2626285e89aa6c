import { hooksOf, type Project, servicesOf } from '../../../../compose/index.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import type { HooksOf } from '../one-engine/with-hooks.ts'
import { filesInReach } from './files-of-project.ts'

interface Asking {
  readonly globals: Invocation['globals']
  readonly warn: (message: string) => void
}

/** What the files want done in containers as those are started and stopped: an engine keeps none of it. */
export async function hooksOfFiles({ globals, warn }: Asking, context: CommandContext): Promise<HooksOf> {
  const project = await filesInReach(globals, context, why => warn(`No hooks of services are run: ${why}`))
  return project === undefined ? new Map() : hooksOfProject(project)
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
