import { withDeadline } from '../../../core/clock.ts'
import { errorMessage, failed, notFound, unavailable } from '../../../core/errors.ts'
import { mapParallel } from '../../../core/parallel.ts'
import { whileThere } from '../lost-nodes.ts'
import type { ClusterNodes, NodeEngine } from '../nodes.ts'
import { holdersOf } from './find-image.ts'

/** A layer is some hundred megabytes at most places, and networks carry tens of them a second. */
const COPY_MS_MAX = 300_000
/** The source reads its disk once for each. */
const COPIES_AT_ONCE = 4
/** What was built or imported is in no registry: it must outlive any one node. */
export const COPIES = 2

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
  const holders = (await holdersOf(id, nodes)).map(({ node }) => node)
  const [source] = holders
  if (source === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${id}`)
  const names = holders.map(node => node.name)
  const others = nodes.ready().filter(node => !names.includes(node.name))
  const made = others.slice(0, Math.max(0, copies - holders.length))
  for (const target of made) await copyNames([id], { source, target }, nodes, signal)
  return [...names, ...made.map(node => node.name)]
}

export interface NewImage {
  readonly id: string
  /** Its names; empty if it was given none. */
  readonly tags: readonly string[]
  /** The node that made it. */
  readonly source: NodeEngine
}

/**
 * Makes a new image the cluster's: nodes where its names mean an older one get it, and one more node for safety. Any other takes a
 * copy when a container needs it. Only a node that cannot take it is told of, and keeps the others from nothing: scripts read the ID of
 * the image from what is told.
 */
export async function shareImage(
  { id, tags, source }: NewImage,
  { nodes, signal, tell }: { nodes: ClusterNodes; signal: AbortSignal; tell: (sentence: string) => void },
): Promise<void> {
  await nodes.built?.add(tags, id)
  await nodes.inventory.refreshImages([source.name])
  const named = (await Promise.all(tags.map(tag => holdersOf(tag, nodes)))).flat()
  const stale = new Set(named.filter(({ value }) => value.Id !== id).map(({ node }) => node.name))
  const others = nodes.ready().filter(({ name }) => name !== source.name)
  const targets = others.filter(({ name }) => stale.has(name))
  const spare = others.filter(({ name }) => !stale.has(name)).slice(0, Math.max(0, COPIES - 1 - targets.length))
  await mapParallel([...targets, ...spare], COPIES_AT_ONCE, async target => {
    try {
      await copyNames(tags.length === 0 ? [id] : tags, { source, target }, nodes, signal)
    } catch (error) {
      signal.throwIfAborted()
      tell(`${target.name} : ${errorMessage(error)}`)
    }
  })
}

async function copyNames(
  names: readonly string[],
  { source, target }: { readonly source: NodeEngine; readonly target: NodeEngine },
  { clock, inventory, lost }: ClusterNodes,
  signal: AbortSignal,
): Promise<void> {
  const copy = async (inner: AbortSignal): Promise<void> => {
    const archive = await source.engine.images.save(names)
    try {
      await target.engine.images.load(archive, inner)
    } finally {
      archive.destroy()
    }
  }
  try {
    const onTimeout = (): Error => unavailable('PEER_SLOW', `it took more than ${COPY_MS_MAX / 1_000} s`)
    const whileBothAre = (inner: AbortSignal) => whileThere([source, target], { signal: inner, lost }, copy)
    await withDeadline(whileBothAre, COPY_MS_MAX, { clock, signal, onTimeout })
    await inventory.refreshImages([target.name])
  } catch (cause) {
    signal.throwIfAborted()
    const what = `Cannot copy the image ${names.join(' ')} from ${source.name} to ${target.name}`
    throw failed('COPY_FAILED', `${what}: ${errorMessage(cause)}`, { cause })
  }
}
