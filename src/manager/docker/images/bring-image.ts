import { failed } from '../../../core/errors.ts'
import { copyImage, type ImageInspect } from '../../../docker-api/index.ts'
import { whileThere } from '../lost-nodes.ts'
import type { Answer, ClusterNodes, NodeEngine } from '../nodes.ts'
import { holdersOf, newestFirst } from './find-image.ts'

interface Bringing {
  readonly nodes: ClusterNodes
  readonly platform?: string
  readonly signal: AbortSignal
}

const ID = /^(?:sha256:)?[a-f0-9]{64}$/

/**
 * Brings an image to the node that is to run it. What was built through this manager, and what is asked for by its id, is copied from a
 * node that has it, or at least is what the registry has; everything else comes from the registry, and from a node only if the registry fails: a node must not choose what
 * runs on others. A copy is looked at before it counts. Throws what the registry says.
 */
export async function bringImage(reference: string, target: NodeEngine, how: Bringing): Promise<void> {
  const { nodes, platform, signal } = how
  const built = nodes.built?.idOf(reference)
  const id = ID.test(reference) ? reference : built
  if (platform === undefined && id !== undefined && (await copyFrom(reference, target, { ...how, id }))) return
  try {
    const options = platform === undefined ? {} : { platform }
    const pulled = await whileThere([target], { signal, lost: nodes.lost }, end =>
      target.engine.images.pull(reference, options, end),
    )
    if (built !== undefined && platform === undefined && !isId(pulled, built)) {
      await target.engine.images.remove(reference, { force: true })
      throw otherThanBuilt(reference, built)
    }
  } catch (error) {
    signal.throwIfAborted()
    const isTried = platform !== undefined || id !== undefined
    if (isTried || !(await copyFrom(reference, target, how))) throw error
  }
}

function otherThanBuilt(reference: string, id: string): Error {
  const what = `The image ${reference} was built here as ${id}, no node that is up has it, and the registry has another`
  return failed('OTHER_IMAGE', `${what}: build it again, or take the registry's with \`docker pull ${reference}\``)
}

/** Resolves whether the target has what was asked for now. */
async function copyFrom(
  reference: string,
  target: NodeEngine,
  { nodes, signal, id }: Bringing & { readonly id?: string },
): Promise<boolean> {
  const holders = newestFirst(await holdersOf(reference, nodes)).filter(({ node }) => node.name !== target.name)
  for (const source of holders.filter(({ value }) => id === undefined || isId(value.Id, id))) {
    try {
      const engines = { source: source.node.engine, target: target.engine }
      await whileThere([source.node, target], { signal, lost: nodes.lost }, end => copyImage(reference, engines, end))
      await confirm(reference, target, { id, source })
      return true
    } catch {
      // Another node may do better.
      signal.throwIfAborted()
    }
  }
  return false
}

/** Has the target's own engine say what it has loaded, and takes it away if that is something else. */
async function confirm(
  reference: string,
  { engine, name }: NodeEngine,
  { id, source }: { readonly id: string | undefined; readonly source: Answer<ImageInspect> },
): Promise<void> {
  const [, digest] = reference.split('@')
  const loaded = await engine.images.inspect(reference)
  const isMeant =
    digest === undefined
      ? isId(loaded.Id, id ?? source.value.Id)
      : (loaded.RepoDigests ?? []).some(each => each.endsWith(`@${digest}`))
  if (isMeant) return
  await engine.images.remove(reference, { force: true })
  throw failed('OTHER_IMAGE', `Node ${source.node.name} gave ${name} another image for ${reference}`)
}

function isId(found: string, wanted: string): boolean {
  return found.replace(/^sha256:/, '') === wanted.replace(/^sha256:/, '')
}
