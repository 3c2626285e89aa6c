import { conflict, notFound, ShoalError } from '../../../core/errors.ts'
import { RESCHEDULE_LABEL } from '../../../core/model/labels.ts'
import { readConnect, readNetworkCreate } from '../../../docker-api/server/index.ts'
import type { ApiReply, ApiRequest, ApiRoute } from '../../http/route.ts'
import { parseFilters } from '../container-list.ts'
import type { Creating } from '../containers/container-routes.ts'
import { type Located, locate } from '../containers/locate.ts'
import {
  allNetworks,
  type FoundNetwork,
  findNetwork,
  inspectFound,
  type NetworkPorts,
  type NetworkUsePorts,
  networkUse,
} from './cluster-networks.ts'
import { type CreateNetworkPorts, createClusterNetwork } from './create-network.ts'
import { filterNetworks } from './network-filters.ts'

export interface NetworkRoutePorts extends CreateNetworkPorts {
  readonly manager: CreateNetworkPorts['manager'] & { readonly removeNetwork: (name: string) => Promise<void> }
  readonly creating: Pick<Creating, 'noteNetwork'>
  readonly endpoints: NetworkUsePorts['endpoints']
}

/** Networks of the cluster: see `docker network`. */
export function networkRoutes(ports: NetworkRoutePorts): ApiRoute[] {
  const { nodes, manager } = ports
  const view: NetworkPorts = { nodes, snapshot: manager.snapshot }
  return [
    {
      method: 'GET',
      path: '/networks',
      summary: 'All networks',
      handle: async ({ query }) => {
        const found = filterNetworks(await allNetworks(view), parseFilters(query['filters']))
        return { json: found.map(({ network }) => network) }
      },
    },
    {
      method: 'GET',
      path: '/networks/*',
      summary: 'A network, with the containers on it',
      handle: async request => ({ json: await inspect(request, view) }),
    },
    {
      method: 'POST',
      path: '/networks/create',
      summary: 'Makes a network over the hosts, or on one of them',
      leaderOnly: true,
      raw: true,
      handle: async ({ raw }) => ({
        status: 201,
        json: await createClusterNetwork(await readNetworkCreate(raw), ports),
      }),
    },
    {
      method: 'POST',
      path: '/networks/*',
      summary: 'Joins a container to a network, or takes it off',
      leaderOnly: true,
      raw: true,
      handle: request => join(request, view, ports.creating.noteNetwork),
    },
    {
      method: 'DELETE',
      path: '/networks/*',
      summary: 'Removes a network that no container is on',
      leaderOnly: true,
      raw: true,
      handle: request => remove(request, ports),
    },
  ]
}

async function inspect({ params, query }: ApiRequest, view: NetworkPorts): Promise<object> {
  const reference = params['*'] ?? ''
  const network = await inspectFound(await findNetwork(reference, view), view)
  const { scope = network.Scope } = query
  if (scope !== network.Scope && scope !== '') throw notFound('NO_SUCH_NETWORK', `network ${reference} not found`)
  return network
}

async function join({ params, raw }: ApiRequest, view: NetworkPorts, note: Creating['noteNetwork']): Promise<ApiReply> {
  const [, reference = '', verb = ''] = /^(.*)\/(connect|disconnect)$/.exec(params['*'] ?? '') ?? []
  if (verb === '') throw notFound('NO_SUCH_PAGE', `page not found: POST /networks/${params['*']}`)
  const { Container, EndpointConfig, Force } = await readConnect(raw)
  const found = await findNetwork(reference, view)
  const { bare, node, network } = found
  const place = await locate(Container, view.nodes)
  if (node !== undefined && node.name !== place.node.name) {
    throw conflict(
      'OTHER_NODE',
      `Container ${Container} is on node ${place.node.name}, and network ${network.Name} ends at node ${node.name}: use one over hosts`,
    )
  }
  const { networks } = place.node.engine
  if (verb === 'connect') await networks.connect(bare, place.id, EndpointConfig)
  else await networks.disconnect(bare, place.id, { force: Force }).catch(notOnNode(place, found))
  await view.nodes.inventory.refresh(place.node.name, place.id)
  if (isInCare(place, view)) {
    const container = { node: place.node.name, id: place.id }
    await note(container, bare, verb === 'connect' ? EndpointConfig : null).catch(async (error: unknown) => {
      // What is not noted would be lost with the node, and nobody would know.
      if (verb === 'connect') await networks.disconnect(bare, place.id, {}).catch(() => {})
      throw error
    })
  }
  return { text: '' }
}

function isInCare({ node, id }: Located, { nodes }: NetworkPorts): boolean {
  return nodes.inventory.node(node.name)?.containers.get(id)?.labels[RESCHEDULE_LABEL] !== undefined
}

/** A node knows of a network over nodes only while a container of its is on it. */
function notOnNode({ id }: Located, { bare, node }: FoundNetwork): (error: unknown) => never {
  return error => {
    const isUnknown = error instanceof ShoalError && error.status === 404 && /^network .* not found/.test(error.message)
    if (node !== undefined || !isUnknown) throw error
    throw new ShoalError('NOT_CONNECTED', 500, `container ${id} is not connected to network ${bare}`)
  }
}

async function remove({ params }: ApiRequest, { nodes, manager, endpoints }: NetworkRoutePorts): Promise<ApiReply> {
  const view = { nodes, snapshot: manager.snapshot, endpoints }
  const { bare, node, network } = await findNetwork(params['*'] ?? '', view)
  if (node !== undefined) await node.engine.networks.remove(network.Id)
  else await removeSpanning(bare, network.Id, { view, remove: manager.removeNetwork })
  return { status: 204, text: '' }
}

/** As an engine refuses it (403), while somebody needs the network. */
async function removeSpanning(
  name: string,
  id: string,
  { view, remove }: { readonly view: NetworkUsePorts; readonly remove: (name: string) => Promise<void> },
): Promise<void> {
  const project = view.snapshot().networks.get(name)?.value.project ?? ''
  if (project !== '') {
    throw conflict(
      'NETWORK_IN_USE',
      `network ${name} belongs to project ${project}: take it down with \`compose down\``,
    )
  }
  const { isInUse, away } = await networkUse(name, view)
  if (isInUse) {
    const what = `error while removing network: network ${name} id ${id} has active endpoints`
    const hint = 'on nodes that are away; bring them back, or give them up with `swarm node rm`'
    throw new ShoalError('NETWORK_IN_USE', 403, away.length === 0 ? what : `${what}: ${away.join(', ')}, ${hint}`)
  }
  await remove(name)
}
