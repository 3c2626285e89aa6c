import type { Engine, EventStream, NetworkOperations, VolumeOperations } from '../engine.ts'
import type {
  EngineEvent,
  NetworkInspect,
  SystemInfo,
  VersionInfo,
  VolumeInspect,
  VolumesPruned,
} from '../resource-types.ts'
import { containerFileOperations, containerUseOperations } from './container-files.ts'
import { containerOperations, execOperations } from './containers.ts'
import { imageOperations } from './images.ts'
import { filterQuery } from './query.ts'
import { jsonLines } from './streams.ts'
import { createTransport, type Transport, type TransportPorts } from './transport.ts'

/** Measuring what large volumes hold takes long. */
const SIZES_MS_MAX = 300_000
/** An event has a container's labels in it. */
const EVENT_CHARS_MAX = 1024 * 1024

/** An engine behind an address, and the plain calls of other APIs that answer there. */
export interface DockerClient extends Engine {
  readonly transport: Transport
  /** A call that answers JSON, under any path; `/v1/...` on a manager. */
  readonly requestJson: (method: string, path: string, body?: object, signal?: AbortSignal) => Promise<unknown>
  readonly close: () => void
}

/**
 * Speaks the Docker Engine API at `address` (`tcp://host:port`, `unix:///path`): a Shoal agent, engine or manager, or a stock
 * Docker Engine. Nothing is sent before the first call. Throws `ENGINE_UNAVAILABLE` (transient) when nobody answers there,
 * and the engine's own status and message when it refuses.
 */
export function createDockerClient(address: string, ports: TransportPorts): DockerClient {
  const transport = createTransport(address, ports)
  return {
    transport,
    requestJson: (method, path, body, signal) =>
      transport.json({ method, path, signal, isList: true, ...(body === undefined ? {} : { body }) }),
    close: transport.close,
    info: async () => (await transport.json({ method: 'GET', path: '/info' })) as SystemInfo,
    version: async () => (await transport.json({ method: 'GET', path: '/version' })) as VersionInfo,
    events: (options, signal) => readEvents(transport, options, signal),
    containers: {
      ...containerOperations(transport),
      ...containerFileOperations(transport),
      ...containerUseOperations(transport),
    },
    exec: execOperations(transport),
    images: imageOperations(transport),
    networks: networkOperations(transport),
    volumes: volumeOperations(transport),
  }
}

function readEvents(
  transport: Transport,
  { sinceMs, untilMs, filters }: Parameters<Engine['events']>[0],
  signal: AbortSignal,
): EventStream {
  const query = {
    since: sinceMs === undefined ? undefined : sinceMs / 1_000,
    until: untilMs === undefined ? undefined : untilMs / 1_000,
    filters: filterQuery(filters),
  }
  const opening = Promise.withResolvers<void>()
  opening.promise.catch(() => {})
  async function* read(): AsyncIterable<EngineEvent> {
    const body = await transport.send({ method: 'GET', path: '/events', query, signal }).catch((error: unknown) => {
      opening.reject(error)
      throw error
    })
    opening.resolve()
    for await (const event of jsonLines(body, EVENT_CHARS_MAX)) yield event as EngineEvent
  }
  return Object.assign(read(), { opened: opening.promise })
}

function networkOperations(transport: Transport): NetworkOperations {
  const at = (id: string, verb = ''): string => `/networks/${encodeURIComponent(id)}${verb}`
  return {
    async create(request) {
      const answer = (await transport.json({ method: 'POST', path: '/networks/create', body: request })) as {
        Id: string
        Warning?: string
      }
      return { Id: answer.Id, Warning: answer.Warning ?? '' }
    },
    list: async ({ filters }) =>
      (await transport.json({
        method: 'GET',
        path: '/networks',
        isList: true,
        query: { filters: filterQuery(filters) },
      })) as NetworkInspect[],
    inspect: async id => (await transport.json({ method: 'GET', path: at(id) })) as NetworkInspect,
    remove: async id => void (await transport.json({ method: 'DELETE', path: at(id) })),
    connect: async (id, container, endpoint) =>
      void (await transport.json({
        method: 'POST',
        path: at(id, '/connect'),
        body: { Container: container, EndpointConfig: endpoint },
      })),
    disconnect: async (id, container, { force }) =>
      void (await transport.json({
        method: 'POST',
        path: at(id, '/disconnect'),
        body: { Container: container, Force: force === true },
      })),
    async prune({ filters }) {
      const query = { filters: filterQuery(filters) }
      const answer = (await transport.json({ method: 'POST', path: '/networks/prune', query })) as {
        NetworksDeleted?: readonly string[] | null
      }
      return answer.NetworksDeleted ?? []
    },
  }
}

function volumeOperations(transport: Transport): VolumeOperations {
  const at = (name: string): string => `/volumes/${encodeURIComponent(name)}`
  return {
    create: async request =>
      (await transport.json({ method: 'POST', path: '/volumes/create', body: request })) as VolumeInspect,
    async list({ filters, size = false }) {
      const answer = await transport.json({
        method: 'GET',
        path: '/volumes',
        query: { filters: filterQuery(filters) },
        isList: true,
      })
      const listed = (answer as { Volumes: readonly VolumeInspect[] | null }).Volumes ?? []
      if (!size) return listed
      const usage = await transport.json({ method: 'GET', path: '/system/df', responseMs: SIZES_MS_MAX, isList: true })
      const measured = (usage as { Volumes?: readonly VolumeInspect[] | null }).Volumes ?? []
      return listed.map(volume => measured.find(({ Name }) => Name === volume.Name) ?? volume)
    },
    inspect: async name => (await transport.json({ method: 'GET', path: at(name) })) as VolumeInspect,
    remove: async (name, { force }) =>
      void (await transport.json({ method: 'DELETE', path: at(name), query: { force } })),
    prune: async ({ filters }) =>
      (await transport.json({
        method: 'POST',
        path: '/volumes/prune',
        query: { filters: filterQuery(filters) },
        responseMs: SIZES_MS_MAX,
      })) as VolumesPruned,
  }
}
