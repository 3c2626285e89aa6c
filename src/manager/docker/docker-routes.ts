import type { IncomingMessage } from 'node:http'
import { notFound } from '../../core/errors.ts'
import type { NodeView } from '../../core/model/control-api.ts'
import type { Random } from '../../core/random.ts'
import type { FilterName, Strategy } from '../../scheduler/index.ts'
import type { Upstream } from '../http/proxy.ts'
import type { ApiRequest, ApiRoute } from '../http/route.ts'
import type { Manager } from '../manager.ts'
import { nodePath, parseContainerPath } from './containers/container-path.ts'
import { type Creating, containerRoutes } from './containers/container-routes.ts'
import { locate, locateExec } from './containers/locate.ts'
import { followEvents } from './events.ts'
import { imageRoutes } from './images/image-routes.ts'
import { namesOf } from './images/known-images.ts'
import { type NodeFacts, systemInfo, versionInfo } from './info.ts'
import type { NetworkUsePorts } from './networks/cluster-networks.ts'
import { networkRoutes } from './networks/network-routes.ts'
import type { ClusterNodes } from './nodes.ts'
import { clusterDiskUsage } from './system/disk-usage.ts'
import { pruneRoutes } from './system/prune-routes.ts'
import { hand, toNode } from './to-node.ts'
import { volumeRoutes } from './volumes/volume-routes.ts'

export interface DockerFrontPorts {
  readonly manager: Manager
  readonly nodes: ClusterNodes
  /** Every node as it is seen now, those included that are not taken in. */
  readonly views: () => readonly NodeView[]
  readonly random: Random
  readonly endpoints: NetworkUsePorts['endpoints']
  readonly strategy: Strategy
  /** Of containers that are created one by one, in their order. */
  readonly filters: readonly FilterName[]
  readonly overcommit: number
  /** How containers are created one by one. */
  readonly creating: Creating
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

/** As much of the Docker Engine API as makes sense of a cluster as a whole; the rest is the nodes' own. */
export function dockerRoutes(ports: DockerFrontPorts): ApiRoute[] {
  const { manager, nodes, creating, endpoints } = ports
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
    get('/system/df', 'What the disks of all nodes are used for', async request => ({
      json: await clusterDiskUsage(request, nodes),
    })),
    ...networkRoutes(ports),
    ...volumeRoutes({ ...ports, snapshot: manager.snapshot }),
    ...pruneRoutes({ nodes, endpoints, snapshot: manager.snapshot, removeNetwork: manager.removeNetwork }),
    ...containerRoutes(ports),
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
    ...imageRoutes({ ...ports, contents: () => creating.state.contents() }),
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

async function infoOf({ manager, nodes, views, name, version, strategy, filters, overcommit }: DockerFrontPorts) {
  await Promise.all([nodes.inventory.settled(), nodes.inventory.imagesSettled()])
  const primary = manager.leader()?.address
  return systemInfo({
    name,
    id: manager.leader()?.id ?? name,
    version,
    strategy: strategy.name,
    filters,
    overcommit,
    role: manager.isLeader() ? 'primary' : 'replica',
    ...(primary === undefined ? {} : { primary }),
    nodes: views().map(node => ({
      node,
      info: knownOf(node.name, nodes),
      toldAtMs: nodes.inventory.node(node.name)?.listedAtMs,
    })),
    nowMs: nodes.clock.nowMs(),
  })
}

/** What is known of a node whose events are followed. */
function knownOf(name: string, { inventory }: ClusterNodes): NodeFacts | undefined {
  const node = inventory.node(name)
  if (node?.condition !== 'live') return undefined
  const statuses = [...node.containers.values()].map(({ status }) => status)
  const running = statuses.filter(status => status === 'running' || status === 'restarting').length
  const paused = statuses.filter(status => status === 'paused').length
  return {
    Containers: statuses.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: statuses.length - running - paused,
    Images: node.images.filter(({ RepoTags }) => namesOf(RepoTags).length > 0).length,
    clockSkewMs: node.clockSkewMs,
  }
}

function execId({ params }: ApiRequest): string {
  return (params['*'] ?? '').split('/')[0] ?? ''
}
