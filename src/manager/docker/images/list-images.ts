import { checkedImages, type Filters, type ImageSummary } from '../../../docker-api/index.ts'
import { askAll, type ClusterNodes } from '../nodes.ts'

/** The images of all nodes, or of those that the filter `node` names, each once, newest first. */
export async function listImages({ node: names, ...filters }: Filters, nodes: ClusterNodes): Promise<ImageSummary[]> {
  const ready = () => nodes.ready().filter(({ name }) => names === undefined || names.includes(name))
  const answers = await askAll({ ...nodes, ready }, async engine =>
    checkedImages(await engine.images.list({ filters })),
  )
  const byId = Map.groupBy(
    answers.flatMap(({ value }) => value),
    image => image.Id,
  )
  const merged = [...byId.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [
          {
            ...first,
            RepoTags: union([first, ...others].map(image => image.RepoTags ?? [])),
            RepoDigests: union([first, ...others].map(image => image.RepoDigests ?? [])),
          },
        ],
  )
  return merged.sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1))
}

function union(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())]
}
