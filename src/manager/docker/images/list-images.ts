import { notFound } from '../../../core/errors.ts'
import {
  checkedImages,
  type FilteredImage,
  type Filters,
  type ImageSummary,
  imageListFilter,
  matchesImageName,
} from '../../../docker-api/index.ts'
import { type ApiRequest, isOn } from '../../http/route.ts'
import type { Inventory } from '../../inventory/index.ts'
import { parseFilters } from '../container-list.ts'
import { askAll, type ClusterNodes } from '../nodes.ts'
import { imagesOfNodes, meansImage, namesOf } from './known-images.ts'

/**
 * `docker images` over the cluster, from what is known of the nodes, or of those that the filter `node` names: each image once, newest
 * first. Throws 400 for a filter that docker does not know, 404 for an image that `before` or `since` name and nobody has.
 */
export async function listImages({ query, originalUrl }: ApiRequest, nodes: ClusterNodes): Promise<ImageSummary[]> {
  const { node: wanted, ...filters } = { ...oldFilter(query, originalUrl), ...parseFilters(query['filters']) }
  const { inventory, clock } = nodes
  const passes = imageListFilter(filters, {
    nowMs: clock.nowMs(),
    createdMsOf: reference => createdMsOf(reference, inventory),
  })
  await inventory.imagesSettled()
  const isWanted = (name: string): boolean => wanted === undefined || wanted.includes(name)
  const all = isOn(query['all'])
  const sharedSize = isOn(query['shared-size'])
  const listed = all || sharedSize ? await ask({ all, sharedSize }, isWanted, nodes) : known(isWanted, inventory)
  const merged = [...Map.groupBy(listed, ({ Id }) => Id).values()].flatMap(merge)
  return merged
    .filter(image => passes(filtered(image)))
    .map(image => namedBy(image, filters['reference'] ?? []))
    .sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1))
}

/** Clients before API 1.28 say in `filter` what `reference` says now. */
function oldFilter({ filter = '' }: ApiRequest['query'], originalUrl: string): Filters {
  const minor = Number(/^\/v1\.(\d+)\//.exec(originalUrl)?.[1] ?? Number.POSITIVE_INFINITY)
  return filter === '' || minor >= 28 ? {} : { reference: [filter] }
}

function known(isWanted: (node: string) => boolean, inventory: Inventory): readonly ImageSummary[] {
  return imagesOfNodes(inventory).flatMap(([{ name }, images]) => (isWanted(name) ? images : []))
}

/** The steps of builds, and what images share, are a question that is seldom asked, so they are not followed. */
async function ask(
  options: { readonly all: boolean; readonly sharedSize: boolean },
  isWanted: (node: string) => boolean,
  nodes: ClusterNodes,
): Promise<readonly ImageSummary[]> {
  const ready = () => nodes.ready().filter(({ name }) => isWanted(name))
  const answers = await askAll({ ...nodes, ready }, async ({ images }) => checkedImages(await images.list(options)))
  return answers.flatMap(({ value }) => value)
}

function createdMsOf(reference: string, inventory: Inventory): number {
  const found = imagesOfNodes(inventory).flatMap(([, images]) => images.filter(meansImage(reference)))
  const [newest] = found.toSorted((a, b) => b.Created - a.Created)
  if (newest === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${reference}`)
  return newest.Created * 1_000
}

/** The same image on several nodes, each of which may know other names for it. */
function merge(same: readonly ImageSummary[]): ImageSummary[] {
  const [first] = same
  if (first === undefined) return []
  return [
    {
      ...first,
      RepoTags: union(same.map(({ RepoTags }) => RepoTags)),
      RepoDigests: union(same.map(({ RepoDigests }) => RepoDigests)),
    },
  ]
}

function union(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flatMap(namesOf))]
}

function filtered({ RepoTags, RepoDigests, Labels, Created }: ImageSummary): FilteredImage {
  return { tags: RepoTags, digests: RepoDigests, labels: Labels ?? {}, createdMs: Created * 1_000 }
}

/** Of several names only those that were asked for are shown. */
function namedBy(image: ImageSummary, patterns: readonly string[]): ImageSummary {
  const asked = (name: string): boolean =>
    patterns.length === 0 || patterns.some(pattern => matchesImageName(name, pattern))
  return { ...image, RepoTags: image.RepoTags.filter(asked), RepoDigests: image.RepoDigests.filter(asked) }
}
