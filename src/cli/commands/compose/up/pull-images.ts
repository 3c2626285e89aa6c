import { errorMessage, failed, invalidInput, ShoalError } from '../../../../core/errors.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { loginFor } from '../../../engine/registry-login.ts'
import type { Progress } from '../../../output/progress.ts'
import { SERVICE_LABEL } from '../labels.ts'
import type { ManagerApi } from '../manager-api.ts'
import type { WantedProject } from './wanted-project.ts'

export interface Pulling {
  readonly invocation: Invocation
  readonly context: CommandContext
  readonly progress: Progress
}

/** Images that come from a registry, by the services that run them. */
function pulledImages({ project, spec }: Pick<WantedProject, 'project' | 'spec'>): readonly string[] {
  const services = project.model['services'] as Readonly<Record<string, { readonly build?: unknown }>>
  const foreign = spec.services.filter(({ name }) => services[name]?.build === undefined)
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
    else await pullImage(image, { api: project.api, context, progress })
  }
}

async function requireImage(image: string, api: ManagerApi): Promise<void> {
  try {
    await api.engine.images.inspect(image)
  } catch (error) {
    if (!(error instanceof ShoalError) || error.status !== 404) throw error
    throw failed(
      'NO_SUCH_IMAGE',
      `No such image: ${image}. No host has it, and --pull never keeps it from being pulled`,
    )
  }
}

/** Has all hosts pull an image. */
export async function pullImage(
  image: string,
  { api, context, progress }: { api: ManagerApi } & Omit<Pulling, 'invocation'>,
): Promise<void> {
  progress.tell(`Image ${image}`, 'Pulling')
  const auth = await loginFor(image, context.env)
  try {
    await api.engine.images.pull(image, auth === undefined ? {} : { auth }, context.signal)
  } catch (cause) {
    context.signal.throwIfAborted()
    throw failed('PULL_FAILED', `Cannot pull ${image}: ${errorMessage(cause)}`, { cause })
  }
  progress.tell(`Image ${image}`, 'Pulled')
}

/** Services whose containers run another image than the one that their image's name means now. */
export async function changedImages(project: WantedProject): Promise<readonly string[]> {
  const { api, spec } = project
  const filters = { label: [`com.docker.compose.project=${spec.name}`] }
  const containers = await api.engine.containers.list({ filters })
  const pulled = new Set(pulledImages(project))
  const changed = await Promise.all(
    spec.services
      .filter(({ container }) => pulled.has(container.image))
      .map(async ({ name, container }) => {
        const { Id } = await api.engine.images.inspect(container.image)
        return containers.some(({ Labels, ImageID }) => Labels[SERVICE_LABEL] === name && ImageID !== Id) ? [name] : []
      }),
  )
  return changed.flat()
}
