import type { IncomingMessage } from 'node:http'
import { invalidInput, notFound } from '../../../core/errors.ts'
import type { EndpointConfig } from '../../container-types.ts'
import { ENDPOINT_SHAPES, type ShapeTable } from '../../create-shapes.ts'
import type { Engine } from '../../engine.ts'
import { readFields } from '../../read-shape.ts'
import type { NetworkCreateRequest } from '../../resource-types.ts'
import type { HttpApp } from '../http-app.ts'
import { Query, readJson } from '../request.ts'

type ById = { readonly Params: { readonly id: string } }

export interface ConnectRequest {
  readonly Container: string
  readonly EndpointConfig: EndpointConfig
  readonly Force: boolean
}

const CONNECT_SHAPES: ShapeTable = {
  Container: 'text',
  EndpointConfig: { fields: ENDPOINT_SHAPES },
  Force: 'flag',
}

const NETWORK_SHAPES: ShapeTable = {
  Name: 'text',
  Driver: 'text',
  Scope: 'text',
  CheckDuplicate: 'flag',
  EnableIPv4: 'flag',
  EnableIPv6: 'flag',
  Internal: 'flag',
  Attachable: 'flag',
  Ingress: 'flag',
  ConfigOnly: 'flag',
  ConfigFrom: { fields: { Network: 'text' } },
  IPAM: {
    fields: {
      Driver: 'text',
      Options: 'strings',
      Config: {
        listOf: { fields: { Subnet: 'text', Gateway: 'text', IPRange: 'text', AuxiliaryAddresses: 'strings' } },
      },
    },
  },
  Options: 'strings',
  Labels: 'strings',
}

/** As Go's strconv.ParseBool reads them. */
const FLAGS = ['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False']

export function networkRoutes(app: HttpApp, { networks }: Engine): void {
  app.get('/networks', request => networks.list({ filters: new Query(request.url).filters() }))
  app.get<ById>('/networks/:id', async ({ params, url }) => {
    const query = new Query(url)
    checkFlag('verbose', query.text('verbose'))
    const network = await networks.inspect(params.id)
    const scope = query.text('scope')
    if (scope === undefined || scope === network.Scope) return network
    throw notFound('NO_SUCH_NETWORK', `network ${params.id} not found`)
  })
  app.post('/networks/create', async ({ raw }, reply) => {
    return reply.code(201).send(await networks.create(await readNetworkCreate(raw)))
  })
  app.delete<ById>('/networks/:id', async ({ params }, reply) => {
    await networks.remove(params.id)
    return reply.code(204).send()
  })
  app.post<ById>('/networks/:id/connect', async ({ params, raw }, reply) => {
    const request = await readConnect(raw)
    await networks.connect(params.id, request.Container, request.EndpointConfig)
    return reply.code(200).send()
  })
  app.post<ById>('/networks/:id/disconnect', async ({ params, raw }, reply) => {
    const request = await readConnect(raw)
    await networks.disconnect(params.id, request.Container, { force: request.Force })
    return reply.code(200).send()
  })
  app.post('/networks/prune', async request => {
    const removed = await networks.prune({ filters: new Query(request.url).filters() })
    return { NetworksDeleted: removed.length === 0 ? null : removed }
  })
}

/** The body of `POST /networks/create`. Throws 400. */
export async function readNetworkCreate(raw: IncomingMessage): Promise<NetworkCreateRequest> {
  const { Name = '', ...others } = await readBody<NetworkCreateRequest>(raw, NETWORK_SHAPES)
  if (Name === '') throw invalidInput('BAD_NETWORK_NAME', 'invalid name: expected a name for the network')
  return { Name, ...others }
}

/** The body of a request to join a network or to leave it. Throws 400. */
export async function readConnect(raw: IncomingMessage): Promise<ConnectRequest> {
  const request = await readBody<ConnectRequest>(raw, CONNECT_SHAPES)
  const { EndpointConfig = {}, Force = false } = request
  return { Container: containerOf(request), EndpointConfig: EndpointConfig ?? {}, Force }
}

/** The fields of a body that a route reads. Throws 400 naming one whose value is of the wrong kind. */
async function readBody<T extends object>(raw: IncomingMessage, shapes: ShapeTable): Promise<Partial<T>> {
  return readFields(await readJson<T>(raw), shapes) as Partial<T>
}

function checkFlag(name: string, text: string | undefined): void {
  if (text === undefined || FLAGS.includes(text)) return
  throw invalidInput(
    'BAD_QUERY',
    `invalid value for ${name}: ${text}: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
  )
}

function containerOf({ Container = '' }: Partial<ConnectRequest>): string {
  if (Container.trim() !== '') return Container
  throw invalidInput('BAD_REFERENCE', `invalid name or ID supplied: ${JSON.stringify(Container)}`)
}
