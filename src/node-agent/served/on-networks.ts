import { conflict, ShoalError, unsupported } from '../../core/errors.ts'
import type { NetworkRecord } from '../../core/model/node.ts'
import { newHexId, type Random } from '../../core/random.ts'
import type {
  ContainerCreateRequest,
  ContainerInspect,
  EndpointConfig,
  Engine,
  NetworkOperations,
} from '../../docker-api/index.ts'
import { OVERLAY_LABEL } from '../overlay/index.ts'
import type { ContainerOverlay } from '../ports.ts'

export interface OnNetworksPorts {
  readonly engine: Engine
  readonly overlay: ContainerOverlay
  readonly random: Random
  /** Brings what the cluster knows of a container up to date. */
  readonly look: (id: string) => Promise<void>
  /** Keeps the addresses of an owner that is no container yet, until the returned function is called. */
  readonly expect: (owner: string) => () => void
}

/**
 * An engine whose users may put containers on the cluster's networks, by their names: the network is made on this node when
 * it is first needed, the address is claimed from the cluster, and the container's names resolve on every node.
 */
export function onNetworks(ports: OnNetworksPorts): Engine {
  const { engine, overlay } = ports
  const { containers } = engine
  return {
    ...engine,
    containers: {
      ...containers,
      create: (request, options) => create(request, options, ports),
      async remove(reference, options) {
        const { Id } = await containers.inspect(reference)
        await containers.remove(Id, options)
        if (overlay.owners().includes(Id)) await overlay.releaseTask(Id)
      },
    },
    networks: networkOperations(ports),
  }
}

function networkOperations({ engine, overlay, look }: OnNetworksPorts): NetworkOperations {
  const { networks, containers } = engine
  const nameOf = async (reference: string): Promise<NetworkRecord | undefined> =>
    overlay.networkOf(reference) ??
    overlay.networkOf((await networks.inspect(reference).catch(() => undefined))?.Name ?? '')
  return {
    ...networks,
    async create(request) {
      if (overlay.networkOf(request.Name) === undefined) return networks.create(request)
      throw conflict('NETWORK_EXISTS', `network with name ${request.Name} already exists: it is the cluster's`)
    },
    async remove(reference) {
      const record = await nameOf(reference)
      if (record === undefined) return networks.remove(reference)
      throw conflict('CLUSTER_NETWORK', `network ${record.name} is the cluster's: remove it at a manager`)
    },
    prune: ({ filters = {} }) => {
      const spared = [...(filters['label!'] ?? []), OVERLAY_LABEL]
      return networks.prune({ filters: { ...filters, 'label!': spared } })
    },
    async connect(reference, container, endpoint) {
      const record = await nameOf(reference)
      if (record === undefined) return networks.connect(reference, container, endpoint)
      const inspect = await containers.inspect(container)
      const { Id } = inspect
      // Refused by the engine as always, and without an address being given back that is in use.
      if (record.name in (inspect.NetworkSettings.Networks ?? {})) return networks.connect(record.name, Id, endpoint)
      const joined = await join(record, endpoint, { owner: Id, names: namesOf(inspect), overlay })
      try {
        await networks.connect(record.name, Id, joined)
      } catch (error) {
        await overlay.leave(Id, record.name)
        throw error
      }
      await look(Id)
    },
    async disconnect(reference, container, options) {
      const record = await nameOf(reference)
      if (record === undefined) return networks.disconnect(reference, container, options)
      const { Id } = await containers.inspect(container)
      await networks.disconnect(record.name, Id, options)
      await overlay.leave(Id, record.name)
    },
  }
}

async function create(
  request: ContainerCreateRequest,
  options: Parameters<Engine['containers']['create']>[1],
  { engine, overlay, random, expect }: OnNetworksPorts,
): Promise<{ readonly Id: string; readonly Warnings: readonly string[] }> {
  const wanted = wantedNetworks(request, overlay)
  if (wanted.length === 0) return engine.containers.create(request, options)
  // An id is had only when the container is made, and its address must be known before.
  const owner = newHexId(random)
  const names = options.name === undefined ? [] : [options.name]
  const done = expect(owner)
  let made: string | undefined
  try {
    const endpoints: Record<string, EndpointConfig> = { ...request.NetworkingConfig?.EndpointsConfig }
    for (const { record, endpoint } of wanted) {
      endpoints[record.name] = await join(record, endpoint, { owner, names, overlay })
    }
    const joined = { ...request, NetworkingConfig: { ...request.NetworkingConfig, EndpointsConfig: endpoints } }
    const created = await engine.containers.create(joined, options)
    made = created.Id
    const own = namesOf(await engine.containers.inspect(created.Id))
    await overlay.change(owner, { owner: created.Id, names: before => [...new Set([...own, ...before])] })
    done()
    return created
  } catch (error) {
    // A container that cannot be removed still has its address, which nobody else must get.
    if (made !== undefined && !(await isRemoved(made, engine))) throw error
    done()
    await overlay.releaseTask(owner)
    throw error
  }
}

async function isRemoved(id: string, { containers }: Engine): Promise<boolean> {
  try {
    await containers.remove(id, { force: true, volumes: true })
    return true
  } catch (error) {
    return error instanceof ShoalError && error.status === 404
  }
}

/** The cluster's networks that a request names, with what it asks of each. */
function wantedNetworks(
  { HostConfig, NetworkingConfig }: ContainerCreateRequest,
  overlay: ContainerOverlay,
): { readonly record: NetworkRecord; readonly endpoint: EndpointConfig }[] {
  const endpoints = NetworkingConfig?.EndpointsConfig ?? {}
  const names = new Set([HostConfig?.NetworkMode ?? '', ...Object.keys(endpoints)])
  return [...names].flatMap(name => {
    const record = overlay.networkOf(name)
    return record === undefined ? [] : [{ record, endpoint: endpoints[name] ?? {} }]
  })
}

interface Joining {
  readonly owner: string
  readonly names: readonly string[]
  readonly overlay: ContainerOverlay
}

/** Makes the network here and claims an address on it; resolves with what the engine is to be asked for. */
async function join(
  record: NetworkRecord,
  endpoint: EndpointConfig | null,
  { owner, names, overlay }: Joining,
): Promise<EndpointConfig> {
  const given = endpoint ?? {}
  const fixed = given.IPAMConfig?.IPv4Address ?? ''
  if (fixed !== '') {
    throw unsupported(
      'FIXED_ADDRESS',
      `Cannot give ${fixed} to a container on ${record.name}: addresses of networks over hosts are chosen by the cluster`,
    )
  }
  await overlay.ensureNetwork(record)
  const known = [...new Set([...names, ...(given.Aliases ?? [])])]
  const { address, mac } = await overlay.claimAddress(record, { taskId: owner, names: known })
  return { ...given, IPAMConfig: { ...given.IPAMConfig, IPv4Address: address }, MacAddress: mac }
}

/** What Docker's DNS knows a container by: its name and the short form of its id. */
function namesOf({ Id, Name }: ContainerInspect): string[] {
  return [Name.replace(/^\//, ''), Id.slice(0, 12)]
}
