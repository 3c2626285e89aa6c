import { sha256Digest } from '../../../core/digest.ts'

/**
 * The ids of a stack of layers up to each of them, lowest first: Docker's names for a layer in its place.
 * Source: OCI image specification, ChainID.
 */
export function chainIds(diffIds: readonly string[]): readonly string[] {
  const chain: string[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : sha256Digest(Buffer.from(`${below} ${diffId}`)))
  }
  return chain
}
