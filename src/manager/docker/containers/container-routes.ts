import { ShoalError } from '../../../core/errors.ts'
import type { ContainerCreateRequest, Filters } from '../../../docker-api/index.ts'
import { readContainerName } from '../../../docker-api/server/index.ts'
import type { Upstream } from '../../http/proxy.ts'
import { type ApiReply, type ApiRequest, type ApiRoute, isOn } from '../../http/route.ts'
import type { Manager } from '../../manager.ts'
import { parseFilters } from '../container-list.ts'
import { type Care, type CreatePorts, createContainer } from '../create/create-container.ts'
import { readCreation } from '../create/read-creation.ts'
import { onClusterNetworks } from '../networks/request-networks.ts'
import { inspectOnNode } from '../node-block.ts'
import type { ClusterNodes } from '../nodes.ts'
import { hand, toNode } from '../to-node.ts'
import { ContainerLister } from './container-lister.ts'
import { nodePath, parseContainerPath } from './container-path.ts'
import { listWithSizes } from './list-with-sizes.ts'
import { type Located, locate } from './locate.ts'
import { renameContainer } from './rename-container.ts'

export type Creating = Omit<CreatePorts, 'signal'> & Care

export interface ContainerRoutePorts {
  readonly manager: Manager
  readonly creating: Creating
  /** How often a container that could not be created is tried again. */
  readonly createRetries?: number
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const
/** What changes a container: whoever asked for it finds it done when they look. */
const CHANGES: readonly string[] = ['start', 'stop', 'restart', 'kill', 'pause', 'unpause', 'update']

/** `/containers` over the cluster: listed and found from what is known of the nodes, created where they fit, and done by their node. */
export function containerRoutes(ports: ContainerRoutePorts): ApiRoute[] {
  const { manager, creating } = ports
  const { nodes } = creating
  const { inventory, clock } = nodes
  const view = { nodes, snapshot: manager.snapshot }
  const lister = new ContainerLister(inventory, clock)
  const list = (request: ApiRequest) => containers(request, lister, nodes)
  return [
    { method: 'GET', path: '/containers/json', summary: 'All containers', handle: list },
    { method: 'GET', path: '/containers/ps', summary: 'All containers, for clients of old', handle: list },
    {
      method: 'POST',
      path: '/containers/create',
      summary: 'Creates a container on the node that fits best',
      leaderOnly: true,
      handle: async request => {
        const body = await onClusterNetworks(readCreation(request.body), view)
        return create({ ...request, body }, creating, ports.createRetries ?? 0)
      },
    },
    {
      method: 'POST',
      path: '/commit',
      summary: 'Makes an image of a container, on its node',
      raw: true,
      handle: request => commit(request, nodes),
    },
    ...METHODS.map(
      (method): ApiRoute => ({
        method,
        path: '/containers/*',
        summary: 'Done by the node that has the container',
        raw: true,
        handle: request => onContainer(request, creating),
      }),
    ),
  ]
}

async function containers({ query }: ApiRequest, lister: ContainerLister, nodes: ClusterNodes): Promise<ApiReply> {
  const limit = Math.max(0, Number(query['limit'] ?? 0) || 0)
  const options = {
    all: isOn(query['all']),
    limit,
    filters: { ...oldFilters(query), ...parseFilters(query['filters']) },
  }
  await nodes.inventory.settled()
  if (isOn(query['size'])) return { jsonParts: [await listWithSizes(options, nodes)] }
  return { jsonParts: lister.list(options) }
}

/** What old clients write beside the filters. */
function oldFilters(query: ApiRequest['query']): Filters {
  const given = ['before', 'since'].flatMap(key => (query[key] ? [[key, [query[key]]] as const] : []))
  return Object.fromEntries(given)
}

async function create(request: ApiRequest, creating: Creating, retries: number): Promise<ApiReply> {
  const { signal } = request
  const { name = '', platform = '' } = request.query
  const options = {
    name: name === '' ? undefined : readContainerName(name),
    platform: platform === '' ? undefined : platform,
  }
  const once = () => createContainer(request.body as ContainerCreateRequest, options, { ...creating, signal })
  const { created } = await withRetries(once, retries, signal)
  return { status: 201, json: created }
}

/** Each try chooses a node anew (classic Swarm's `swarm.createretry`). What is wrong with the request itself is told at once. */
async function withRetries<T>(once: () => Promise<T>, retries: number, signal: AbortSignal): Promise<T> {
  for (let left = retries; ; left--) {
    try {
      return await once()
    } catch (error) {
      const isRefusal = error instanceof ShoalError && error.status < 500
      if (left <= 0 || isRefusal || signal.aborted) throw error
    }
  }
}

async function commit(request: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const { node, id } = await locate(request.query['container'] ?? '', nodes)
  const url = new URL(request.originalUrl, 'http://manager')
  url.searchParams.set('container', id)
  const upstream = await toNode(node, `${url.pathname}${url.search}`, nodes)
  return hand(request, { ...upstream, beforeHead: () => nodes.inventory.refreshImages([node.name]) }, nodes)
}

async function onContainer(request: ApiRequest, creating: Creating): Promise<ApiReply> {
  const { nodes } = creating
  const { method = 'GET' } = request.raw
  const { reference, verb } = parseContainerPath(request.params['*'] ?? '')
  const located = await locate(reference, nodes)
  const { node, id } = located
  const query = new URLSearchParams(request.query)
  if (method === 'GET' && verb === 'json' && !isOn(request.query['size'])) {
    return { json: inspectOnNode(await node.engine.containers.inspect(id), node) }
  }
  if (method === 'POST' && verb === 'rename') return renameContainer(located, query.get('name') ?? '', creating)
  const upstream = await toNode(node, nodePath(request.originalUrl, id, verb), nodes)
  return hand(request, { ...upstream, ...besides({ method, verb }, located, nodes) }, nodes)
}

/** What the manager learns from an answer before the client has it. */
function besides(
  { method, verb }: { readonly method: string; readonly verb: string },
  { node, id }: Located,
  { inventory, execs }: ClusterNodes,
): Partial<Upstream> {
  const readAnew = (): Promise<void> => inventory.refresh(node.name, id)
  if (method === 'DELETE' || (method === 'POST' && CHANGES.includes(verb))) return { beforeHead: readAnew }
  if (method !== 'POST') return {}
  if (verb === 'exec') return execs?.learning(node.name) ?? {}
  return verb === 'wait' ? { beforeBody: readAnew } : {}
}
