import { invalidInput } from '../../core/errors.ts'
import type { EndpointConfig } from '../container-types.ts'
import type { Engine } from '../engine.ts'
import type { NetworkCreateRequest } from '../resource-types.ts'
import type { HttpApp } from './http-app.ts'
import { Query, readJson } from './request.ts'

type ById = { readonly Params: { readonly id: string } }

interface ConnectRequest {
  readonly Container: string
  readonly EndpointConfig: EndpointConfig | null
  readonly Force: boolean
}

export function networkRoutes(app: HttpApp, { networks }: Engine): void {
  app.get('/networks', request => networks.list({ filters: new Query(request.url).filters() }))
  app.get<ById>('/networks/:id', ({ params }) => networks.inspect(params.id))
  app.post('/networks/create', async (request, reply) => {
    const { Name, ...others } = await readJson<NetworkCreateRequest>(request.raw)
    if (typeof Name !== 'string' || Name === '') {
      throw invalidInput('BAD_NETWORK_NAME', 'invalid name: expected a name for the network')
    }
    return reply.code(201).send(await networks.create({ Name, ...others }))
  })
  app.delete<ById>('/networks/:id', async ({ params }, reply) => {
    await networks.remove(params.id)
    return reply.code(204).send()
  })
  app.post<ById>('/networks/:id/connect', async ({ params, raw }, reply) => {
    const request = await readJson<ConnectRequest>(raw)
    await networks.connect(params.id, containerOf(request), request.EndpointConfig ?? {})
    return reply.code(200).send()
  })
  app.post<ById>('/networks/:id/disconnect', async ({ params, raw }, reply) => {
    const request = await readJson<ConnectRequest>(raw)
    await networks.disconnect(params.id, containerOf(request), { force: request.Force === true })
    return reply.code(200).send()
  })
  app.post('/networks/prune', async request => ({
    NetworksDeleted: await networks.prune({ filters: new Query(request.url).filters() }),
  }))
}

function containerOf({ Container }: Partial<ConnectRequest>): string {
  if (typeof Container === 'string' && Container !== '') return Container
  throw invalidInput('BAD_FIELD', 'invalid value for Container: expected the name or id of a container')
}
