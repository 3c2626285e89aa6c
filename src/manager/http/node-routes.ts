import { withDeadline } from '../../core/clock.ts'
import { notFound, unavailable } from '../../core/errors.ts'
import type { NodeDetails, NodeView } from '../../core/model/control-api.ts'
import type { SystemInfo } from '../../docker-api/index.ts'
import { clockSkewMs } from '../clock-skew.ts'
import { type ClusterNodes, NODE_TIMEOUT_MS } from '../docker/nodes.ts'
import type { Manager } from '../manager.ts'
import { placementsOn } from '../node-details.ts'
import type { NodeChange } from '../project/update-node.ts'
import { type ApiRequest, type ApiRoute, isOn } from './route.ts'
import { nodeChangeSchema, rebalanceSchema } from './schemas.ts'

export interface NodeRoutePorts {
  readonly manager: Manager
  readonly nodes: ClusterNodes
  /** Every node as it is seen now, those included that are not taken in. */
  readonly views: () => readonly NodeView[]
  /** Called when a node was forgotten. */
  readonly forgotten: (name: string) => Promise<void>
}

/** Nodes under `/v1/nodes`. */
export function nodeRoutes(ports: NodeRoutePorts): ApiRoute[] {
  const { manager, forgotten } = ports
  return [
    {
      method: 'POST',
      path: '/v1/rebalance',
      summary: 'Asks tasks to leave fuller nodes for emptier ones',
      body: rebalanceSchema,
      leaderOnly: true,
      handle: async ({ body }) => ({
        json: await manager.rebalance(body as { readonly moves: number; readonly dryRun: boolean }),
      }),
    },
    {
      method: 'GET',
      path: '/v1/nodes/:name',
      summary: 'A node with its tasks, and what its engine says',
      handle: async request => ({ json: await detailsOf(request, ports) }),
    },
    {
      method: 'PUT',
      path: '/v1/nodes/:name',
      summary: "Changes a node's labels or availability",
      body: nodeChangeSchema,
      leaderOnly: true,
      handle: async ({ params: { name = '' }, body }) => {
        await manager.updateNode(name, body as NodeChange)
        return { json: viewOf(name, ports) }
      },
    },
    {
      method: 'DELETE',
      path: '/v1/nodes/:name',
      summary: 'Forgets a node that is down',
      query: { force: 'give up the data of the volumes it holds', dryRun: 'only say what would be done' },
      leaderOnly: true,
      handle: async ({ params: { name = '' }, query }) => {
        const dryRun = isOn(query['dryRun'])
        const json = await manager.removeNode(name, { force: isOn(query['force']), dryRun })
        if (!dryRun) await forgotten(name)
        return { json }
      },
    },
  ]
}

function viewOf(name: string, { views }: NodeRoutePorts): NodeView {
  const view = views().find(node => node.name === name)
  if (view === undefined) throw notFound('NO_SUCH_NODE', `No such node: ${name}`)
  return view
}

async function detailsOf({ params: { name = '' } }: ApiRequest, ports: NodeRoutePorts): Promise<NodeDetails> {
  const view = viewOf(name, ports)
  const placements = placementsOn(name, ports.manager.snapshot())
  const answer = await askEngine(name, ports)
  if (answer instanceof Error) {
    const isNews = view.health === 'healthy'
    return { ...view, placements, ...(isNews ? { health: 'unhealthy', reason: answer.message } : {}) }
  }
  return { ...view, placements, ...(answer === undefined ? {} : { engine: answer }) }
}

/** Undefined for a node that is down, an error for one that should answer and does not. */
async function askEngine(name: string, { nodes }: NodeRoutePorts): Promise<NodeDetails['engine'] | Error> {
  const node = nodes.ready().find(each => each.name === name)
  if (node === undefined) return undefined
  const { clock } = nodes
  try {
    const onTimeout = (): Error => unavailable('NODE_SILENT', 'the engine does not answer')
    const askedMs = clock.nowMs()
    const info = await withDeadline(() => node.engine.info(), NODE_TIMEOUT_MS, { clock, onTimeout })
    return engineView(info, { askedMs, answeredMs: clock.nowMs() })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function engineView(
  info: SystemInfo,
  { askedMs, answeredMs }: { readonly askedMs: number; readonly answeredMs: number },
): NodeDetails['engine'] {
  return {
    containers: info.Containers,
    containersRunning: info.ContainersRunning,
    images: info.Images,
    version: info.ServerVersion,
    clockSkewMs: clockSkewMs(info.SystemTime, { askedMs, answeredMs }),
  }
}
