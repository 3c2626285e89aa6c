import type { IncomingMessage } from 'node:http'
import { unavailable } from '../../../core/errors.ts'
import { isBefore, spokenVersion } from '../../api-version.ts'
import type { ShapeTable } from '../../create-shapes.ts'
import type { Engine, Filters } from '../../engine.ts'
import { readFields } from '../../read-shape.ts'
import type { VolumeCreateRequest } from '../../resource-types.ts'
import type { HttpApp } from '../http-app.ts'
import { Query, readJson } from '../request.ts'

type ByName = { readonly Params: { readonly name: string } }

const VOLUME_SHAPES: ShapeTable = {
  Name: 'text',
  Driver: 'text',
  DriverOpts: 'strings',
  Labels: 'strings',
  ClusterVolumeSpec: { fields: {} },
}

export function volumeRoutes(app: HttpApp, { volumes }: Engine): void {
  app.get('/volumes', async request => ({
    Volumes: await volumes.list({ filters: new Query(request.url).filters() }),
    Warnings: null,
  }))
  app.get<ByName>('/volumes/:name', ({ params }) => volumes.inspect(params.name))
  app.post('/volumes/create', async (request, reply) => {
    return reply.code(201).send(await volumes.create(await readVolumeCreate(request.raw)))
  })
  app.put<ByName>('/volumes/:name', () => {
    throw noCluster()
  })
  app.delete<ByName>('/volumes/:name', async ({ params, url }, reply) => {
    await volumes.remove(params.name, { force: new Query(url).flag('force') })
    return reply.code(204).send()
  })
  app.post('/volumes/prune', async request => {
    return volumes.prune({ filters: volumePruneFilters(request.originalUrl) })
  })
}

/** Since 1.42 only volumes without a name go unless `all` is said: a name means somebody cares. */
export function volumePruneFilters(originalUrl: string): Filters {
  const filters = new Query(originalUrl).filters()
  const old = isBefore(spokenVersion(originalUrl), '1.42')
  return old && !('all' in filters) ? { ...filters, all: ['true'] } : filters
}

/** The body of `POST /volumes/create`. Throws 400, or 503 for a volume of Docker's swarm mode. */
export async function readVolumeCreate(raw: IncomingMessage): Promise<VolumeCreateRequest> {
  const body = await readJson<VolumeCreateRequest & { readonly ClusterVolumeSpec: object }>(raw)
  const { ClusterVolumeSpec, ...wanted } = readFields(body, VOLUME_SHAPES)
  if (ClusterVolumeSpec !== undefined) throw noCluster()
  return wanted
}

/** Docker's words for volumes of its swarm mode, which this engine does not have. */
function noCluster(): Error {
  return unavailable('NO_SWARM_MANAGER', 'volume update only valid for cluster volumes, but swarm is unavailable')
}
