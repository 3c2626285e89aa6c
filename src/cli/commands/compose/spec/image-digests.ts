import { servicesOf } from '../../../../compose/index.ts'
import { formatImageReference, parseImageReference } from '../../../../core/image-reference.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { authOf } from '../../../engine/registry-login.ts'
import { managerApi } from '../manager-api.ts'

type Model = Readonly<Record<string, unknown>>

const PARALLEL = 4

/** The model with the digest that each image's registry has for it now, asked through a node. What has a digest keeps it. */
export async function resolveImageDigests(
  model: Model,
  invocation: Invocation,
  context: CommandContext,
): Promise<Model> {
  const { images } = managerApi(invocation, context).engine
  const services = Object.entries(servicesOf(model))
  const resolved = await mapParallel(services, PARALLEL, async ([name, service]) => {
    const image = service['image']
    if (typeof image !== 'string' || image === '') return [name, service] as const
    const reference = parseImageReference(image)
    if (reference.digest !== undefined) return [name, service] as const
    const found = await images.distribution(image, await authOf(image, context.env), context.signal)
    const pinned = formatImageReference({ tag: 'latest', ...reference, digest: found.Descriptor.digest })
    return [name, { ...service, image: pinned }] as const
  })
  return { ...model, services: Object.fromEntries(resolved) }
}

/** An override file that pins the images of another one, and says nothing else. */
export function onlyImages(model: Model): Model {
  const services = Object.entries(servicesOf(model))
  const pinned = services.flatMap(([name, { image }]) =>
    typeof image === 'string' ? [[name, { image }] as const] : [],
  )
  return { services: Object.fromEntries(pinned) }
}
