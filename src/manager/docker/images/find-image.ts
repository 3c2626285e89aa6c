import { notFound } from '../../../core/errors.ts'
import type { ImageInspect } from '../../../docker-api/index.ts'
import { type Answer, askAll, type ClusterNodes, type NodeEngine } from '../nodes.ts'
import { imagesOfNodes, meansImage } from './known-images.ts'

/**
 * The node that an image is asked of. Nodes may mean different images by one name: what was built, pulled or tagged
 * last is what a person means. Throws 404 `No such image: x`.
 */
export async function imageHolder(name: string, nodes: ClusterNodes): Promise<NodeEngine> {
  const holder = await holderOf(name, nodes)
  if (holder === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${name}`)
  return holder
}

/** The same, or undefined if no node has such an image. */
export async function holderOf(name: string, nodes: ClusterNodes): Promise<NodeEngine | undefined> {
  return newest(await holdersOf(name, nodes))?.node
}

/** Every node's image of that name. Those that are known to have one are asked; if none is, all are: it may be there since just now. */
export async function holdersOf(name: string, nodes: ClusterNodes): Promise<Answer<ImageInspect>[]> {
  const { inventory } = nodes
  await inventory.imagesSettled()
  const isMeant = meansImage(name)
  const known = new Set(imagesOfNodes(inventory).flatMap(([node, images]) => (images.some(isMeant) ? [node.name] : [])))
  const ready = () => nodes.ready().filter(node => known.size === 0 || known.has(node.name))
  return askAll({ ...nodes, ready }, engine => engine.images.inspect(name))
}

/** A node that has all of the images. Throws 404 in classic Swarm's words. */
export async function holderOfAll(names: readonly string[], nodes: ClusterNodes): Promise<NodeEngine> {
  const holders = await Promise.all(names.map(name => holdersOf(name, nodes)))
  const [first = [], ...others] = holders
  const common = first.filter(({ node }) => others.every(list => list.some(other => other.node.name === node.name)))
  const best = newest(common)
  if (best !== undefined) return best.node
  throw notFound('NO_SUCH_IMAGE', `Unable to find a healthy engine containing all images: [${names.join(' ')}]`)
}

function newest(answers: readonly Answer<ImageInspect>[]): Answer<ImageInspect> | undefined {
  return newestFirst(answers)[0]
}

/** By what the nodes say, which is enough to choose among images of one name, and not to trust one. */
export function newestFirst(answers: readonly Answer<ImageInspect>[]): Answer<ImageInspect>[] {
  const taggedAt = ({ value }: Answer<ImageInspect>): number => Date.parse(value.Metadata?.LastTagTime ?? '') || 0
  return answers.toSorted((a, b) => taggedAt(b) - taggedAt(a))
}
