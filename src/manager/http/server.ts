import type { IncomingMessage, RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Clock } from '../../core/clock.ts'
import { errorMessage, ShoalError, unavailable } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { ClientTls } from '../../docker-api/index.ts'
import { errorAnswer, refuseUpgrade } from '../../docker-api/server/index.ts'
import type { Manager } from '../manager.ts'
import type { Connections } from './connections.ts'
import { FORWARDED, forward, splice, type Upstream } from './proxy.ts'
import type { ApiReply, ApiRequest, ApiRoute } from './route.ts'
import { notFoundMessage } from './swarm-mode.ts'

export interface ServerPorts {
  readonly manager: Manager
  readonly clock: Clock
  /** What requests are handed on over; closed with the front. */
  readonly connections: Connections
  readonly log: Log
  /** For the way to the leader; absent: without TLS. */
  readonly leaderTls?: ClientTls | undefined
  /** Where a hijacked connection goes; throws a ShoalError if nowhere. */
  readonly hijack: (request: IncomingMessage) => Promise<Upstream>
}

/** Bodies of our own API: a whole project. */
const BODY_BYTES_MAX = 8 * 1024 * 1024
/** Of every answer that is the manager's own. */
const FRONT_HEADERS = { 'api-version': '1.43', server: 'shoal', ostype: 'linux' }

/** How often we look who leads while a request is with the leader, and how often in a row it may be somebody else, or nobody. */
const LOOK_MS = 1_000
const DEPOSED_LOOKS = 3

const GONE = new DOMException('The client is gone', 'AbortError')

export interface Front {
  readonly handler: RequestListener
  /** For connections that stop being HTTP. */
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  readonly close: () => Promise<void>
}

/** Serves routes to as many HTTP servers as hand it their requests. */
export async function createFront(routes: readonly ApiRoute[], ports: ServerPorts): Promise<Front> {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    // Docker's clients put the version in front: /v1.43/info.
    rewriteUrl: request => (request.url ?? '/').replace(/^\/v\d+\.\d+(?=\/)/, ''),
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, strict: false } },
  })
  app.addHook('onSend', async (_request, reply) => {
    // Docker's clients read errors only of this exact type, without a charset.
    if (String(reply.getHeader('content-type')).startsWith('application/json')) {
      reply.header('content-type', 'application/json')
    }
    reply.headers(FRONT_HEADERS)
  })
  app.setErrorHandler((error, _request, reply) => answerError(error, reply, ports.log))
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ message: notFoundMessage(request.method, request.url), code: 'NO_SUCH_PAGE' }),
  )
  for (const route of routes) if (route.raw !== true) addRoute(app, route, ports)
  app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    for (const route of routes) if (route.raw === true) addRoute(scope, route, ports)
  })
  await app.ready()
  return {
    handler: (request, response) => app.routing(request, response),
    onUpgrade: (request, socket, head) => void hijack(request, socket, head, ports),
    async close() {
      await app.close()
      ports.connections.close()
    },
  }
}

function addRoute(app: FastifyInstance, route: ApiRoute, ports: ServerPorts): void {
  app.route({
    method: route.method,
    url: route.path,
    ...(route.body === undefined ? {} : { schema: { body: route.body } }),
    ...(route.bodyBytesMax === undefined ? {} : { bodyLimit: route.bodyBytesMax }),
    async onRequest(request, reply) {
      // Without the store nobody can know who leads: our own refusal says more than a forwarded request that hangs.
      if (route.leaderOnly !== true || ports.manager.isLeader() || ports.manager.staleMs() > 0) return
      const upstream = leaderOf(request, ports)
      reply.hijack()
      await answerRaw(reply, () => forward(request.raw, reply.raw, upstream, ports.connections))
    },
    handler: (request, reply) => serve(route, request, reply),
  })
}

async function serve(route: ApiRoute, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const gone = new AbortController()
  // Every request ends so: a reason of its own for each would cost more than the rest of this.
  reply.raw.on('close', () => gone.abort(GONE))
  const answer = await route.handle(apiRequest(request, gone.signal))
  if ('answer' in answer) {
    reply.hijack()
    await answerRaw(reply, () => answer.answer(reply.raw))
    return reply
  }
  return send(answer, reply)
}

function apiRequest(request: FastifyRequest, signal: AbortSignal): ApiRequest {
  return {
    params: request.params as ApiRequest['params'],
    query: flat(request.query as Readonly<Record<string, string | readonly string[]>>),
    body: request.body,
    signal,
    raw: request.raw,
    originalUrl: request.originalUrl,
  }
}

/** Of a parameter that is given twice, the last counts. */
function flat(query: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, typeof value === 'string' ? value : (value.at(-1) ?? '')]),
  )
}

function send(answer: Exclude<ApiReply, { answer: unknown }>, reply: FastifyReply): FastifyReply {
  if ('jsonParts' in answer) return sendParts(answer.jsonParts, reply)
  reply.code(answer.status ?? 200).headers(answer.headers ?? {})
  return 'json' in answer ? reply.send(answer.json) : reply.type('text/plain; charset=utf-8').send(answer.text)
}

/** All at once, and never put together: a long answer would be copied for each who asks. */
function sendParts(parts: readonly Buffer[], reply: FastifyReply): FastifyReply {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const { raw } = reply.hijack()
  raw.writeHead(200, { 'content-type': 'application/json', 'content-length': length, ...FRONT_HEADERS })
  raw.cork()
  for (const part of parts) raw.write(part)
  raw.end()
  return reply
}

function leaderOf(request: FastifyRequest, { manager, clock, leaderTls: tls }: ServerPorts): Upstream {
  const leader = manager.leader()
  if (leader === undefined || request.headers[FORWARDED] !== undefined) {
    throw unavailable('NOT_LEADER', 'No manager leads the cluster at the moment; try again')
  }
  const { address } = leader
  const whenLost = (tell: (error: Error) => void) => untilDeposed(address, { manager, clock }, tell)
  const upstream = { what: 'the leading manager', address, path: request.originalUrl, whenLost }
  return tls === undefined ? upstream : { ...upstream, tls }
}

/** A leader that is cut off or frozen closes no connection: who waits for its answer is told when another leads, or none for a while. */
function untilDeposed(
  address: string,
  { manager, clock }: Pick<ServerPorts, 'manager' | 'clock'>,
  tell: (error: Error) => void,
): () => void {
  let looksWithout = 0
  const look = (): void => {
    looksWithout = manager.leader()?.address === address ? 0 : looksWithout + 1
    if (looksWithout < DEPOSED_LOOKS) timer = clock.setTimer(LOOK_MS, look)
    else tell(unavailable('LEADER_LOST', 'It does not lead any more; see whether it was done before you try again'))
  }
  let timer = clock.setTimer(LOOK_MS, look)
  return () => timer.cancel()
}

/** Once a reply is hijacked its errors are ours to tell. */
async function answerRaw(reply: FastifyReply, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (reply.raw.headersSent) reply.raw.destroy()
    else {
      const { status, body } = errorAnswer(error)
      reply.raw.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
  }
}

function answerError(error: unknown, reply: FastifyReply, log: Log): FastifyReply {
  const { status, body } = errorAnswer(error)
  if (status >= 500 && !(error instanceof ShoalError)) log.error({ error: errorMessage(error) }, 'a request failed')
  return reply.code(status).send(body)
}

async function hijack(request: IncomingMessage, socket: Duplex, head: Buffer, ports: ServerPorts): Promise<void> {
  // From here on nobody else hears of a client that breaks off, and an error that nobody hears ends the process.
  socket.on('error', () => socket.destroy())
  try {
    const upstream = await ports.hijack(request)
    await splice(request, socket, head, { upstream, clock: ports.clock })
  } catch (error) {
    refuseUpgrade(socket, error)
  }
}
