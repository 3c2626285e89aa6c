import { withDeadline } from '../../core/clock.ts'
import { errorMessage, failed, notFound, unavailable } from '../../core/errors.ts'
import { copyImage, type ImageInspect } from '../../docker-api/index.ts'
import { type Answer, askAll, type ClusterNodes, type NodeEngine } from './nodes.ts'

/** A layer is some hundred megabytes at most places, and networks carry tens of them a second. */
const COPY_MS_MAX = 300_000

/**
 * The node that an image is asked of. Nodes may mean different images by one name: what was built, pulled or tagged
 * last is what a person means. Throws 404 `No such image: x`.
 */
export async function imageHolder(name: string, nodes: ClusterNodes): Promise<NodeEngine> {
  const holder = newest(await askAll(nodes, engine => engine.images.inspect(name)))
  if (holder === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${name}`)
  return holder.node
}

function newest(answers: readonly Answer<ImageInspect>[]): Answer<ImageInspect> | undefined {
  const taggedAt = ({ value }: Answer<ImageInspect>): number => Date.parse(value.Metadata?.LastTagTime ?? '') || 0
  return answers.toSorted((a, b) => taggedAt(b) - taggedAt(a))[0]
}

/**
 * Sees to it that several nodes that are up have an image, so that it outlives any one of them: an image that was built
 * is in no registry. Resolves with the nodes that have it; with fewer than asked for if there are not so many.
 * Throws 404, or COPY_FAILED.
 */
export async function keepCopies(
  id: string,
  copies: number,
  nodes: ClusterNodes,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const holders = (await askAll(nodes, engine => engine.images.inspect(id))).map(({ node }) => node)
  const [source] = holders
  if (source === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${id}`)
  const names = holders.map(node => node.name)
  const others = nodes.ready().filter(node => !names.includes(node.name))
  const made = others.slice(0, Math.max(0, copies - holders.length))
  for (const target of made) await copyBetween(id, { source, target }, nodes, signal)
  return [...names, ...made.map(node => node.name)]
}

async function copyBetween(
  id: string,
  { source, target }: { readonly source: NodeEngine; readonly target: NodeEngine },
  { clock }: ClusterNodes,
  signal: AbortSignal,
): Promise<void> {
  const onTimeout = (): Error => unavailable('PEER_SLOW', `it took more than ${COPY_MS_MAX / 1_000} s`)
  try {
    const engines = { source: source.engine, target: target.engine }
    await withDeadline(inner => copyImage(id, engines, inner), COPY_MS_MAX, { clock, signal, onTimeout })
  } catch (cause) {
    signal.throwIfAborted()
    const what = `Cannot copy the image ${id} from ${source.name} to ${target.name}`
    throw failed('COPY_FAILED', `${what}: ${errorMessage(cause)}`, { cause })
  }
}
