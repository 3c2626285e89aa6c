import { notFound, ShoalError, unavailable } from '../../../core/errors.ts'
import { newHexId, type Random } from '../../../core/random.ts'
import type { VolumeCreateRequest, VolumeInspect } from '../../../docker-api/index.ts'
import { readVolumeCreate } from '../../../docker-api/server/index.ts'
import { type ApiReply, type ApiRequest, type ApiRoute, isOn } from '../../http/route.ts'
import { isMissing, joinFailures, onNodes } from '../broadcast.ts'
import { parseFilters } from '../container-list.ts'
import { splitNode } from '../networks/create-network.ts'
import { nodeBlock } from '../node-block.ts'
import { askAll } from '../nodes.ts'
import { allVolumes, findVolume, holdersOf, type VolumePorts } from './cluster-volumes.ts'

export interface VolumeRoutePorts extends VolumePorts {
  readonly random: Random
}

/** Volumes of the nodes: see `docker volume`. */
export function volumeRoutes(ports: VolumeRoutePorts): ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/volumes',
      summary: 'All volumes',
      handle: async ({ query }) => {
        const found = await allVolumes(ports, parseFilters(query['filters']))
        return { json: { Volumes: found.map(({ volume }) => volume), Warnings: null } }
      },
    },
    {
      method: 'GET',
      path: '/volumes/*',
      summary: 'A volume, with its node',
      handle: async ({ params }) => {
        const { volume, node } = await findVolume(params['*'] ?? '', ports)
        return { json: { ...volume, Node: nodeBlock(node) } }
      },
    },
    {
      method: 'POST',
      path: '/volumes/create',
      summary: 'Makes a volume on every node, or on the one its name begins with',
      raw: true,
      handle: async ({ raw }) => ({ status: 201, json: await create(await readVolumeCreate(raw), ports) }),
    },
    {
      method: 'DELETE',
      path: '/volumes/*',
      summary: 'Removes a volume from every node that has it',
      raw: true,
      handle: request => remove(request, ports),
    },
  ]
}

/** As classic Swarm: a name without a node is a volume on each, so that containers find it wherever they are put. */
async function create(request: VolumeCreateRequest, ports: VolumeRoutePorts): Promise<VolumeInspect> {
  const ready = ports.nodes.ready()
  const { node, name } = splitNode(request.Name ?? '', ready)
  // One name for all nodes, which each of them would choose differently.
  const Name = name === '' && node === undefined ? newHexId(ports.random) : name
  const { done, failures } = await onNodes(
    node === undefined ? ready : [node],
    ({ engine }) => engine.volumes.create({ ...request, Name }),
    ports.nodes,
  )
  if (failures.length > 0) {
    const told = done.length === 0 ? '' : `It was made on ${done.map(answer => answer.node.name).join(', ')}`
    throw joinFailures(failures, told)
  }
  const [first] = done
  if (first === undefined) throw unavailable('NO_NODE', 'Cannot create a volume: the cluster has no node that is up')
  return node === undefined ? first.value : { ...first.value, Name: `${node.name}/${first.value.Name}` }
}

async function remove({ params, query }: ApiRequest, ports: VolumeRoutePorts): Promise<ApiReply> {
  const reference = params['*'] ?? ''
  const force = isOn(query['force'])
  await refuseSilent(reference, ports)
  const holders = await holdersOf(reference, ports)
  const { failures: all } = await onNodes(
    holders.map(({ node }) => node),
    ({ engine }) => engine.volumes.remove(holders[0]?.bare ?? reference, { force }),
    ports.nodes,
  )
  const failures = all.filter(failure => !isMissing(failure))
  if (failures.length > 0) throw joinFailures(failures)
  if (holders.length === 0 && !force) throw notFound('NO_SUCH_VOLUME', `get ${reference}: no such volume`)
  return { status: 204, text: '' }
}

/** Throws 503 NODE_SILENT if a node that is up does not say whether it has the volume: it would keep what is told to be gone. */
async function refuseSilent(reference: string, { nodes }: VolumeRoutePorts): Promise<void> {
  const { node, name } = splitNode(reference, nodes.ready())
  const among = node === undefined ? nodes.ready() : [node]
  const answers = await askAll({ ...nodes, ready: () => among }, ({ volumes }) =>
    volumes.inspect(name).catch((error: unknown) => {
      if (error instanceof ShoalError && error.status === 404) return undefined
      throw error
    }),
  )
  const silent = among.filter(each => !answers.some(answer => answer.node.name === each.name))
  if (silent.length === 0) return
  const names = silent.map(each => each.name).join(', ')
  throw unavailable('NODE_SILENT', `Cannot tell who has volume ${name}: no answer from ${names}; try again`)
}
