import { hashOf } from '../core/digest.ts'
import { asTree, fromEntries, isTree, type Tree, without } from './tree.ts'

/**
 * A hash that changes when a service's containers must be replaced, and only then: what builds, places, counts or orders
 * containers is not in it.
 */
export function serviceHash(service: Tree): string {
  const deploy = isTree(service['deploy']) ? { deploy: without(service['deploy'], 'replicas') } : {}
  const plain = without(service, 'build', 'pull_policy', 'scale', 'depends_on', 'profiles', 'deploy')
  const own = Object.entries({ ...plain, ...deploy }).filter(([key]) => !key.startsWith('x-'))
  return hashOf(asTree(fromEntries(own)))
}
