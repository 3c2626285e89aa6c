import { copyImage } from '../../../docker-api/index.ts'
import type { ClusterNodes, NodeEngine } from '../nodes.ts'
import { holderOf } from './find-image.ts'

/**
 * Brings an image to the node that is to run it: from the node that has had it last, for what was built is in no registry, and
 * otherwise from the registry. Throws what the registry says.
 */
export async function bringImage(
  reference: string,
  target: NodeEngine,
  {
    nodes,
    platform,
    signal,
  }: { readonly nodes: ClusterNodes; readonly platform?: string; readonly signal: AbortSignal },
): Promise<void> {
  const source = platform === undefined ? await holderOf(reference, nodes) : undefined
  if (source !== undefined && source.name !== target.name) {
    try {
      return await copyImage(reference, { source: source.engine, target: target.engine }, signal)
    } catch {
      // Another node is only the shorter way.
      signal.throwIfAborted()
    }
  }
  await target.engine.images.pull(reference, platform === undefined ? {} : { platform }, signal)
}
