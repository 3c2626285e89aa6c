import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { errorMessage, ShoalError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { API_VERSION, checkVersion, stripVersion, versionOf } from '../api-version.ts'

export type HttpApp = FastifyInstance
export type HttpRequest = FastifyRequest
export type HttpReply = FastifyReply

const JSON_TYPE = 'application/json'

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/** No route has a schema of fastify's. Its own compilers would be loaded all the same, and take 10 MB. */
function noSchemas(): () => never {
  return () => {
    throw new Error('routes of the Docker Engine API read their own input')
  }
}

/**
 * An application that routes requests but does not listen: `handler` goes into any number of node:http servers.
 *
 * Bodies are left alone (`readJson` or the raw stream take them), so that a build's context is never in memory, and a
 * body with a missing or unusual content type is no error.
 */
export async function createHttpApp(
  { log }: { readonly log: Log },
  routes: (app: HttpApp) => void,
): Promise<{ readonly handler: RequestHandler; readonly close: () => Promise<void> }> {
  let handler: RequestHandler = () => {}
  const app: HttpApp = fastify({
    serverFactory(handle) {
      handler = handle
      return createServer()
    },
    rewriteUrl: request => stripVersion(request.url ?? '/'),
    // A URL that cannot be decoded is met before any route.
    frameworkErrors: (error, _request, reply) => {
      const { status, body } = errorAnswer(error)
      reply.hijack()
      reply.raw.writeHead(status, { ...SERVER_HEADERS, 'Content-Type': JSON_TYPE }).end(JSON.stringify(body))
    },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    routerOptions: { maxParamLength: 1_024, ignoreTrailingSlash: true, ignoreDuplicateSlashes: false },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SERVER_HEADERS)
    const version = versionOf(request.originalUrl)
    if (version !== undefined) checkVersion(version)
  })
  app.addHook('onSend', async (_request, reply) => {
    // The docker CLI reads an error's message only behind exactly this type.
    if (String(reply.getHeader('content-type')).startsWith(JSON_TYPE)) reply.header('content-type', JSON_TYPE)
  })
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = errorAnswer(error)
    if (status >= 500)
      log.error({ method: request.method, url: request.url, error: errorMessage(error) }, 'request failed')
    void reply.code(status).send(body)
  })
  app.setNotFoundHandler((_request, reply) => void reply.code(404).send({ message: 'page not found' }))
  routes(app)
  await app.ready()
  return { handler, close: () => app.close() }
}

/** Docker clients learn from these whom they talk to. */
export const SERVER_HEADERS = {
  'Api-Version': API_VERSION,
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: 'Shoal (linux)',
}

/** What a client is told of a failure: a sentence and a code, never a stack. */
export function errorAnswer(error: unknown): { status: number; body: { message: string; code: string } } {
  if (error instanceof ShoalError) {
    return { status: error.status, body: { message: errorMessage(error), code: error.code } }
  }
  const status = statusOf(error)
  return { status, body: { message: errorMessage(error), code: status < 500 ? 'BAD_REQUEST' : 'FAILED' } }
}

function statusOf(error: unknown): number {
  const status: unknown = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : 500
  return typeof status === 'number' && status >= 400 ? status : 500
}

/** Aborted as soon as the client has gone, or the answer is complete. */
export function closedSignal(reply: HttpReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => controller.abort(new DOMException('The client closed the connection', 'AbortError')))
  if (reply.raw.destroyed) controller.abort()
  return controller.signal
}

/**
 * Begins a streamed answer: its head leaves at once, because clients wait for it before they go on, long before there is
 * a body.
 */
export function beginStream(
  reply: HttpReply,
  contentType: string,
  status = 200,
  headers: OutgoingHttpHeaders = {},
): ServerResponse {
  reply.hijack()
  reply.raw.writeHead(status, { ...SERVER_HEADERS, ...headers, 'Content-Type': contentType })
  reply.raw.flushHeaders()
  return reply.raw
}
