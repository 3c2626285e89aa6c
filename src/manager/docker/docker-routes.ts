import type { IncomingMessage } from 'node:http'
import { hashOf } from '../../core/digest.ts'
import { notFound, ShoalError, unavailable } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { NodeView } from '../../core/model/control-api.ts'
import type { Random } from '../../core/random.ts'
import type { ContainerCreateRequest } from '../../docker-api/index.ts'
import type { FilterName, Strategy } from '../../scheduler/index.ts'
import { forward, type Upstream } from '../http/proxy.ts'
import { type ApiReply, type ApiRequest, type ApiRoute, isOn } from '../http/route.ts'
import type { Manager } from '../manager.ts'
import { clusterView } from '../plan/placer.ts'
import { nodesForView } from '../views.ts'
import { listContainers, parseFilters } from './container-list.ts'
import { nodePath, parseContainerPath } from './container-path.ts'
import { type CreatePorts, createContainer } from './create/create-container.ts'
import { PendingContainers } from './create/pending-containers.ts'
import { followEvents } from './events.ts'
import { pullEverywhere, removeEverywhere, tagEverywhere } from './image-operations.ts'
import { imageHolder } from './images.ts'
import { systemInfo, versionInfo } from './info.ts'
import { locate, locateExec } from './locate.ts'
import { networkRoutes } from './networks/network-routes.ts'
import { nodeBlock } from './node-block.ts'
import { askAll, type ClusterNodes, type NodeEngine } from './nodes.ts'
import { listImages } from './resources.ts'
import { clusterDiskUsage } from './system/disk-usage.ts'
import { pruneRoutes } from './system/prune-routes.ts'
import { volumeRoutes } from './volumes/volume-routes.ts'

export interface DockerFrontPorts {
  readonly manager: Manager
  readonly nodes: ClusterNodes
  /** Every node as it is seen now, those included that are not taken in. */
  readonly views: () => readonly NodeView[]
  readonly random: Random
  readonly strategy: Strategy
  /** Of containers that are created one by one, in their order. */
  readonly filters: readonly FilterName[]
  readonly overcommit: number
  /** How often a container that could not be created is tried again. */
  readonly createRetries?: number
  /** This manager's name and its software's version. */
  readonly name: string
  readonly version: string
  readonly kernel: string
}

/** Docker's clients learn from these how to build, and that an answer is never kept. */
const PING_HEADERS = {
  'builder-version': '1',
  'cache-control': 'no-cache, no-store, must-revalidate',
  pragma: 'no-cache',
}
const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const

/** As much of the Docker Engine API as makes sense of a cluster as a whole; the rest is the nodes' own. */
export function dockerRoutes(ports: DockerFrontPorts): ApiRoute[] {
  const { manager, nodes } = ports
  const creating = { locks: new KeyedLock(), pending: new PendingContainers() }
  const get = (path: string, summary: string, handle: ApiRoute['handle']): ApiRoute => ({
    method: 'GET',
    path,
    summary,
    handle,
  })
  return [
    get('/_ping', 'Whether the manager answers', async () => ({ text: 'OK', headers: PING_HEADERS })),
    {
      method: 'HEAD',
      path: '/_ping',
      summary: 'The same, without a body',
      handle: async () => ({ text: '', headers: PING_HEADERS }),
    },
    get('/info', 'The cluster', async () => ({ json: await infoOf(ports) })),
    get('/version', 'Versions', async () => ({ json: versionInfo(ports.version, ports.kernel) })),
    get('/events', 'What happens on all nodes', async request => followEvents(request, nodes)),
    get('/containers/json', 'All containers', request => containers(request, nodes)),
    get('/images/json', 'All images', async ({ query }) => ({
      json: await listImages(parseFilters(query['filters']), nodes),
    })),
    get('/containers/ps', 'All containers, for clients of old', request => containers(request, nodes)),
    get('/system/df', 'What the disks of all nodes are used for', async request => ({
      json: await clusterDiskUsage(request, nodes),
    })),
    ...networkRoutes(ports),
    ...volumeRoutes({ ...ports, snapshot: manager.snapshot }),
    ...pruneRoutes({ nodes, snapshot: manager.snapshot, removeNetwork: manager.removeNetwork }),
    {
      method: 'POST',
      path: '/containers/create',
      summary: 'Creates a container on the node that fits best',
      leaderOnly: true,
      handle: request => create(request, ports, creating),
    },
    ...METHODS.map(
      (method): ApiRoute => ({
        method,
        path: '/containers/*',
        summary: 'Done by the node that has the container',
        raw: true,
        handle: request => onContainer(request, nodes),
      }),
    ),
    ...(['GET', 'POST'] as const).map(
      (method): ApiRoute => ({
        method,
        path: '/exec/*',
        summary: 'Done by the node that has the container',
        raw: true,
        handle: async request =>
          hand(request, await toNode(await locateExec(execId(request), nodes), request.originalUrl, nodes), nodes),
      }),
    ),
    get('/images/*', 'Done by a node that has the image', request => onImage(request, nodes)),
    ...imageRoutes(nodes),
    {
      method: 'POST',
      path: '/build',
      summary: 'Builds an image on a node',
      raw: true,
      handle: async request =>
        hand(request, await toNode(buildNode(request, nodes), request.originalUrl, nodes), nodes),
    },
  ]
}

/** What every node does that has the image, or all do. */
function imageRoutes(nodes: ClusterNodes): ApiRoute[] {
  return [
    {
      method: 'POST',
      path: '/images/create',
      summary: 'Pulls an image on every node',
      raw: true,
      handle: async request => pullEverywhere(request, nodes),
    },
    {
      method: 'POST',
      path: '/images/*',
      summary: 'Tags an image on every node that has it, or has one of them push it',
      raw: true,
      handle: request => {
        const path = request.params['*'] ?? ''
        return path.endsWith('/tag') ? tagEverywhere(request, nodes) : onImage(request, nodes)
      },
    },
    {
      method: 'DELETE',
      path: '/images/*',
      summary: 'Removes an image from every node',
      raw: true,
      handle: request => removeEverywhere(request, nodes),
    },
  ]
}

const HIJACKED = /^(?:\/v\d+\.\d+)?\/(?:containers\/.+\/attach(?:\/ws)?|exec\/[^/]+\/start)(?:\?|$)/

/** Whether a request that asks to upgrade is one that nodes take over; clients offer HTTP/2 on any request. */
export function isHijack({ url = '' }: IncomingMessage): boolean {
  return HIJACKED.test(url)
}

/** Where a connection that is about to be hijacked goes: attach and exec. */
export async function hijackTarget(incoming: IncomingMessage, nodes: ClusterNodes): Promise<Upstream> {
  const url = incoming.url ?? '/'
  const path = decodeURIComponent(url.replace(/^\/v\d+\.\d+(?=\/)/, '').replace(/\?.*$/, ''))
  const [, execId] = /^\/exec\/([^/]+)\/start$/.exec(path) ?? []
  if (execId !== undefined) return toNode(await locateExec(execId, nodes), url, nodes)
  const { reference, verb } = parseContainerPath(path.replace(/^\/containers\//, ''))
  if (!path.startsWith('/containers/') || !verb.startsWith('attach')) {
    throw notFound('NO_SUCH_PAGE', `page not found: ${path}`)
  }
  const { node, id } = await locate(reference, nodes)
  return toNode(node, nodePath(url, id, verb), nodes)
}

async function infoOf({ manager, nodes, views, name, version, strategy, filters }: DockerFrontPorts) {
  const askedMs = nodes.clock.nowMs()
  const infos = new Map((await askAll(nodes, engine => engine.info())).map(({ node, value }) => [node.name, value]))
  const primary = manager.leader()?.address
  return systemInfo({
    name,
    id: manager.leader()?.id ?? name,
    version,
    strategy: strategy.name,
    filters,
    role: manager.isLeader() ? 'primary' : 'replica',
    ...(primary === undefined ? {} : { primary }),
    nodes: views().map(node => ({ node, info: infos.get(node.name) })),
    askedMs,
    nowMs: nodes.clock.nowMs(),
  })
}

async function containers({ query }: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const limit = Number(query['limit'] ?? 0)
  const options = { all: isOn(query['all']), filters: parseFilters(query['filters']) }
  return { json: await listContainers(limit > 0 ? { ...options, limit } : options, nodes) }
}

async function create(
  request: ApiRequest,
  ports: DockerFrontPorts,
  creating: Pick<CreatePorts, 'locks' | 'pending'>,
): Promise<ApiReply> {
  const { manager, nodes, random, strategy, filters, overcommit, createRetries = 0 } = ports
  const view = () => clusterView(manager.snapshot(), nodesForView(manager.snapshot()), overcommit)
  const { name, platform = '' } = request.query
  const options = { name, platform: platform === '' ? undefined : platform }
  const once = () =>
    createContainer(request.body as ContainerCreateRequest, options, {
      nodes,
      random,
      ...creating,
      view,
      strategy,
      filters,
      confirmLead: manager.confirmLead,
      signal: request.signal,
    })
  return { status: 201, json: await withRetries(once, createRetries, request.signal) }
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

async function onContainer(request: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const { reference, verb } = parseContainerPath(request.params['*'] ?? '')
  const { node, id, inspect } = await locate(reference, nodes)
  if (request.raw.method === 'GET' && verb === 'json') return { json: { ...inspect, Node: nodeBlock(node) } }
  return hand(request, await toNode(node, nodePath(request.originalUrl, id, verb), nodes), nodes)
}

async function onImage(request: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const name = (request.params['*'] ?? '').replace(/\/(json|history|get|push)$/, '')
  return hand(request, await toNode(await imageHolder(name, nodes), request.originalUrl, nodes), nodes)
}

function execId({ params }: ApiRequest): string {
  return (params['*'] ?? '').split('/')[0] ?? ''
}

/** Builds of one image go to one node, where its earlier layers are. */
function buildNode({ query }: ApiRequest, nodes: ClusterNodes): NodeEngine {
  const ready = nodes.ready()
  const seed = Number.parseInt(hashOf(query['t'] ?? '').slice(0, 8), 16)
  const node = ready[seed % Math.max(1, ready.length)]
  if (node === undefined) throw unavailable('NO_NODE', 'Cannot build: the cluster has no node that is up')
  return node
}

async function toNode(node: NodeEngine, path: string, { capVersion, tls }: ClusterNodes): Promise<Upstream> {
  const { apiAddress: address, apiTls } = node.member
  const upstream = { what: `node ${node.name}`, address, path: await capVersion(path, node) }
  return apiTls === true ? { ...upstream, tls: tls ?? { verify: true } } : upstream
}

function hand(request: ApiRequest, upstream: Upstream, { clock }: ClusterNodes): ApiReply {
  return { answer: response => forward(request.raw, response, upstream, clock) }
}
