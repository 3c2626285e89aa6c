import { checkedThings } from '../../../docker-api/index.ts'
import type { ContainerRequest, Strategy } from '../../../scheduler/index.ts'
import { askAll, type ClusterNodes } from '../nodes.ts'
import type { PlacementState } from './placement-state.ts'

/**
 * Has the nodes say which volumes they have, if the container is to go where its volumes are. Asked each time, since volumes come and
 * go unseen. What a node that does not answer said last still stands.
 */
export async function seeVolumes(
  { volumes = [] }: ContainerRequest,
  {
    nodes,
    state,
    strategy,
  }: { readonly nodes: ClusterNodes; readonly state: PlacementState; readonly strategy: Strategy },
): Promise<void> {
  if (strategy.volumeLocality === undefined || volumes.length === 0) return
  const answers = await askAll(nodes, async engine => checkedThings(await engine.volumes.list({}), 'Name'))
  for (const { node, value } of answers) {
    state.setVolumes(
      node.name,
      value.map(({ Name }) => Name),
    )
  }
}
