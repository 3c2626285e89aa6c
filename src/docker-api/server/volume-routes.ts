import type { Engine } from '../engine.ts'
import type { VolumeCreateRequest } from '../resource-types.ts'
import type { HttpApp } from './http-app.ts'
import { Query, readJson } from './request.ts'

type ByName = { readonly Params: { readonly name: string } }

const ANONYMOUS_LABEL = 'com.docker.volume.anonymous'

export function volumeRoutes(app: HttpApp, { volumes }: Engine): void {
  app.get('/volumes', async request => ({
    Volumes: await volumes.list({ filters: new Query(request.url).filters() }),
    Warnings: null,
  }))
  app.get<ByName>('/volumes/:name', ({ params }) => volumes.inspect(params.name))
  app.post('/volumes/create', async (request, reply) => {
    return reply.code(201).send(await volumes.create(await readJson<VolumeCreateRequest>(request.raw)))
  })
  app.delete<ByName>('/volumes/:name', async ({ params, url }, reply) => {
    await volumes.remove(params.name, { force: new Query(url).flag('force') })
    return reply.code(204).send()
  })
  app.post('/volumes/prune', async request => {
    const { all, ...filters } = new Query(request.url).filters()
    // Without `all` only volumes without a name go, as docker does since API 1.42: a name means somebody cares.
    const isAll = all?.some(value => ['true', '1'].includes(value)) === true
    const unused = await volumes.list({ filters: { ...filters, dangling: ['true'] } })
    const doomed = unused.filter(({ Labels }) => isAll || ANONYMOUS_LABEL in Labels)
    for (const { Name } of doomed) await volumes.remove(Name, {})
    return { VolumesDeleted: doomed.map(({ Name }) => Name), SpaceReclaimed: 0 }
  })
}
