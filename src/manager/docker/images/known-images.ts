import { familiarImageName, parseImageReference } from '../../../core/image-reference.ts'
import type { ImageSummary } from '../../../docker-api/index.ts'
import type { Inventory, NodeInventory } from '../../inventory/index.ts'

/** Names as they are given: engines of old write `<none>:<none>` for none. */
export function namesOf(names: readonly string[]): readonly string[] {
  return names.filter(name => !name.startsWith('<none>'))
}

/** Images of nodes that answer, as they last told, each with its node. */
export function imagesOfNodes(inventory: Inventory): readonly (readonly [NodeInventory, readonly ImageSummary[]])[] {
  const answering = inventory.nodes().filter(({ condition }) => condition === 'live' || condition === 'reading')
  return answering.map(node => [node, node.images])
}

/** Whether an image is meant by an id, the beginning of one, a name with or without a tag, or a name with a digest. */
export function meansImage(reference: string): (image: ImageSummary) => boolean {
  const digits = reference.replace(/^sha256:/, '')
  const isId = /^[0-9a-f]{4,64}$/.test(digits)
  const name = familiarName(reference)
  return ({ Id, RepoTags, RepoDigests }) =>
    (isId && Id.startsWith(`sha256:${digits}`)) ||
    (name !== undefined && (RepoTags.includes(name) || RepoDigests.includes(name)))
}

/** `docker.io/library/app` is `app:latest`; undefined for what is no name. */
export function familiarName(reference: string): string | undefined {
  try {
    const { registry, repository, tag, digest } = parseImageReference(reference)
    const rest = digest === undefined ? { tag: tag ?? 'latest' } : { digest }
    return familiarImageName({ registry, repository, ...rest })
  } catch {
    return undefined
  }
}
