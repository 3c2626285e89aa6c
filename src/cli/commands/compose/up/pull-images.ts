import { servicesOf } from '../../../../compose/index.ts'
import { failed, invalidInput } from '../../../../core/errors.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import { carryImage } from '../images/carry-image.ts'
import { findImage } from '../images/find-image.ts'
import type { ManagerApi } from '../manager-api.ts'
import type { WantedProject } from './wanted-project.ts'

export interface Pulling {
  readonly invocation: Invocation
  readonly context: CommandContext
  readonly progress: Progress
}

/** Images that come from a registry, by the services that run them. */
function pulledImages({ project, spec }: Pick<WantedProject, 'project' | 'spec'>): readonly string[] {
  const services = servicesOf(project.model)
  const foreign = spec.services.filter(({ name }) => services[name]?.['build'] === undefined)
  return [...new Set(foreign.map(({ container }) => container.image))]
}

/** Does what `--pull` asks for: every image anew on all hosts (`always`), or none, where all must be there (`never`). */
export async function pullImages(project: WantedProject, { invocation, context, progress }: Pulling): Promise<void> {
  const policy = invocation.options.text('pull') ?? 'policy'
  if (!['always', 'missing', 'never', 'policy'].includes(policy)) {
    throw invalidInput('BAD_FLAG', `Cannot pull "${policy}": expected always, missing or never`)
  }
  if (policy === 'missing' || policy === 'policy') return
  for (const image of pulledImages(project)) {
    if (policy === 'never') await requireImage(image, project.api)
    else await carryImage('pull', image, { api: project.api, context, progress })
  }
}

async function requireImage(image: string, api: ManagerApi): Promise<void> {
  if ((await findImage(image, api)) !== undefined) return
  throw failed('NO_SUCH_IMAGE', `No such image: ${image}. No host has it, and --pull never keeps it from being pulled`)
}

/** Services whose containers run another image than the one that their image's name means now. */
export async function changedImages(project: WantedProject): Promise<readonly string[]> {
  const { api, spec } = project
  const filters = { label: [`${COMPOSE_LABELS.project}=${spec.name}`] }
  const containers = await api.engine.containers.list({ filters })
  const pulled = new Set(pulledImages(project))
  const changed = await Promise.all(
    spec.services
      .filter(({ container }) => pulled.has(container.image))
      .map(async ({ name, container }) => {
        const { Id } = await api.engine.images.inspect(container.image)
        return containers.some(({ Labels, ImageID }) => Labels[COMPOSE_LABELS.service] === name && ImageID !== Id)
          ? [name]
          : []
      }),
  )
  return changed.flat()
}
