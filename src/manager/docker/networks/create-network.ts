import { conflict, unavailable, unsupported } from '../../../core/errors.ts'
import type { NetworkCreateRequest } from '../../../docker-api/index.ts'
import type { Strategy } from '../../../scheduler/index.ts'
import type { Manager } from '../../manager.ts'
import { askAll, type ClusterNodes, type NodeEngine } from '../nodes.ts'
import { networkInspect } from './cluster-networks.ts'
import { overlayWish } from './overlay-wish.ts'

export interface CreateNetworkPorts {
  readonly manager: Pick<Manager, 'createNetwork' | 'snapshot'>
  readonly nodes: ClusterNodes
  readonly strategy: Strategy
}

type Created = { readonly Id: string; readonly Warning: string }

/**
 * `docker network create` over the cluster: a network over hosts unless another driver is named, as in classic Swarm. One
 * with another driver is made on the node its name begins with (`node/name`), or on one the strategy prefers.
 */
export async function createClusterNetwork(request: NetworkCreateRequest, ports: CreateNetworkPorts): Promise<Created> {
  const { nodes, manager } = ports
  const ready = nodes.ready()
  if (ready.length === 0) throw unavailable('NO_NODE', 'Cannot create a network: the cluster has no node that is up')
  const { node, name } = splitNode(request.Name, ready)
  const spans = ready.some(({ member }) => member.overlay === true)
  const isUnsaid = ['', 'default'].includes(request.Driver ?? '')
  if (node === undefined && (request.Driver === 'overlay' || (isUnsaid && spans))) {
    if (!spans) throw noOverlay(name)
    const record = await manager.createNetwork(overlayWish(request))
    return { Id: networkInspect(record).Id, Warning: '' }
  }
  if (request.Driver === 'overlay') throw overlayOnNode(request.Name)
  if (manager.snapshot().networks.has(name))
    throw conflict('NETWORK_EXISTS', `network with name ${name} already exists`)
  const place = node ?? (await preferred(ports))
  return place.engine.networks.create({ ...request, Name: name, Driver: isUnsaid ? 'bridge' : (request.Driver ?? '') })
}

/** Takes `node/name` apart, if there is such a node. */
export function splitNode(
  text: string,
  ready: readonly NodeEngine[],
): { readonly node?: NodeEngine; readonly name: string } {
  const slash = text.indexOf('/')
  const node = slash < 0 ? undefined : ready.find(({ name }) => name === text.slice(0, slash))
  return node === undefined ? { name: text } : { node, name: text.slice(slash + 1) }
}

/** Nothing is asked of the node, so only the number of containers tells nodes apart. */
async function preferred({ nodes, strategy }: CreateNetworkPorts): Promise<NodeEngine> {
  const answers = await askAll(nodes, async engine => (await engine.info()).Containers)
  const sign = strategy.name === 'binpack' ? -1 : 1
  const [best] = answers.toSorted((a, b) => sign * (a.value - b.value) || (a.node.name < b.node.name ? -1 : 1))
  if (best === undefined) throw unavailable('NO_NODE', 'Cannot create a network: no node answers')
  return best.node
}

function noOverlay(name: string): Error {
  return unsupported(
    'NO_OVERLAY',
    `Cannot create overlay network ${name}: the nodes are engines of others, which Shoal does not network; use --driver bridge, or nodes that run \`swarm join\` without --engine`,
  )
}

function overlayOnNode(name: string): Error {
  return unsupported('NO_OVERLAY', `Cannot create overlay network ${name} on one node: leave the node's name out`)
}
