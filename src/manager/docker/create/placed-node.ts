import { failed } from '../../../core/errors.ts'
import type { ContainerPlacement } from '../../../scheduler/index.ts'
import type { ClusterNodes, NodeEngine } from '../nodes.ts'

type Placed = Extract<ContainerPlacement, { readonly placed: true }>

/** The node that was chosen, and the decision. Throws 500 `NO_NODE_FITS` if none was, or it has just left. */
export function placedNode(
  placement: ContainerPlacement,
  { ready }: Pick<ClusterNodes, 'ready'>,
): { readonly node: NodeEngine; readonly placement: Placed } {
  if (!placement.placed) throw failed('NO_NODE_FITS', placement.message)
  const node = ready().find(({ name }) => name === placement.node)
  if (node === undefined) throw failed('NO_NODE_FITS', `Node ${placement.node} has just left the cluster; try again`)
  return { node, placement }
}
