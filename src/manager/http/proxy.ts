import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../../core/clock.ts'
import { errorMessage, invalidInput, unavailable } from '../../core/errors.ts'
import { connectionOptions, watchPeer } from '../../docker-api/index.ts'
import {
  CONNECT_MS_MAX,
  type Connections,
  type Destination,
  type Exchange,
  KeptConnectionClosed,
  splitAddress,
} from './connections.ts'

export interface Upstream extends Destination {
  /** Tells once if the other side will not answer any more, until the returned function is called. Absent: a closed connection tells. */
  readonly whenLost?: (tell: (error: Error) => void) => () => void
  /** What stands behind a good answer that breaks off. Absent: it breaks off for the client too, so that it is not taken for all there is. */
  readonly lastWords?: (error: Error) => string
  /** Waited for once it has answered, before the client hears of it: at all, or of anything behind the head. */
  readonly beforeHead?: () => Promise<void>
  readonly beforeBody?: () => Promise<void>
  /** Writes a good answer's body on, and what is to be said besides; the response is ended behind it. Absent: as it is. */
  readonly relay?: (answer: IncomingMessage, response: ServerResponse) => Promise<void>
}

const GOOD: readonly number[] = [200, 201]
const HIJACK_BODY_BYTES_MAX = 1024 * 1024
/** Marks a request that was handed on once, so that two managers never play ball with it. */
export const FORWARDED = 'x-shoal-forwarded'
/** These are about the connection they came over. Clients offer HTTP/2 on any request. */
const OF_CONNECTION = ['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'http2-settings'] as const

/**
 * Hands a request on, and the answer back, as streams: neither is buffered and a client that goes away ends both.
 * Throws 503 `UNREACHABLE` if the other side does not take the connection in time, or closes it without an answer.
 */
export async function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  upstream: Upstream,
  connections: Connections,
): Promise<void> {
  let exchange = handOn(incoming, upstream, connections, false)
  let answer: IncomingMessage | undefined
  let loss: Error | undefined
  const stop = upstream.whenLost?.(error => {
    loss = error
    exchange.request.destroy(error)
  })
  response.on('close', () => {
    stop?.()
    // A connection is kept only if both sides have said all they had to say.
    if (answer?.readableEnded !== true || !exchange.request.writableFinished) exchange.request.destroy()
  })
  // Gone while we looked where to: the event was before we listened.
  if (response.destroyed) {
    stop?.()
    exchange.request.destroy()
  }
  try {
    answer = await exchange.answered.catch((error: unknown) => {
      if (!(error instanceof KeptConnectionClosed) || !mayRepeat(incoming) || response.destroyed) throw error
      exchange = handOn(incoming, upstream, connections, true)
      return exchange.answered
    })
    const breaking = untilBroken(answer)
    await upstream.beforeHead?.()
    breaking.throwIfAborted()
  } catch (cause) {
    throw unreachable(upstream, cause)
  }
  await pass(answer, response, { upstream, loss: () => loss })
}

/** Sends an answer on, to its end or to where it breaks off. */
async function pass(
  answer: IncomingMessage,
  response: ServerResponse,
  { upstream, loss }: { readonly upstream: Upstream; readonly loss: () => Error | undefined },
): Promise<void> {
  const { beforeBody, relay, lastWords } = upstream
  const isGood = GOOD.includes(answer.statusCode ?? 0)
  const { connection: _connection, 'keep-alive': _keepAlive, ...headers } = answer.headers
  response.writeHead(answer.statusCode ?? 502, headers)
  // Followers of logs and events wait for the head of the answer, long before there is a body. Without one, its end is sent with it.
  if (!isEmpty(answer)) response.flushHeaders()
  let isBroken = false
  answer.on('error', error => {
    isBroken = true
    const isOpen = isGood && headers['content-length'] === undefined
    if (isOpen && lastWords !== undefined) response.end(lastWords(loss() ?? unreachable(upstream, error)))
    else response.destroy()
  })
  if (beforeBody !== undefined) await untilBody(answer, beforeBody)
  if (relay === undefined || !isGood) answer.pipe(response)
  else {
    await relay(answer, response).catch((error: unknown) => {
      if (!isBroken) throw error
    })
    if (!isBroken) response.end()
  }
  await finished(response).catch(() => {})
}

/** Aborted when an answer breaks off; without anybody who listens that would pass unheard. */
function untilBroken(answer: IncomingMessage): AbortSignal {
  const broken = new AbortController()
  answer.on('error', error => broken.abort(error))
  return broken.signal
}

function unreachable({ what, address }: Destination, cause: unknown): Error {
  return unavailable('UNREACHABLE', `Cannot reach ${what} at ${address}: ${errorMessage(cause)}`, { cause })
}

function handOn(incoming: IncomingMessage, upstream: Upstream, connections: Connections, isFresh: boolean): Exchange {
  const headers: Record<string, string | string[] | undefined> = { ...incoming.headers, [FORWARDED]: '1' }
  for (const name of OF_CONNECTION) delete headers[name]
  const exchange = connections.ask(upstream, { method: incoming.method ?? 'GET', headers }, isFresh)
  if (hasBody(incoming)) incoming.pipe(exchange.request)
  else exchange.request.end()
  return exchange
}

function isEmpty({ statusCode = 0, headers }: IncomingMessage): boolean {
  return statusCode === 204 || statusCode === 304 || headers['content-length'] === '0'
}

/** What was asked may have been done, though nothing was answered: only what changes nothing is asked again. */
function mayRepeat(incoming: IncomingMessage): boolean {
  return ['GET', 'HEAD'].includes(incoming.method ?? '') && !hasBody(incoming)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Waits for the first bytes behind the head, then for `before`. The bytes stay to be read. */
async function untilBody(answer: IncomingMessage, before: () => Promise<void>): Promise<void> {
  const come = Promise.withResolvers<void>()
  for (const event of ['readable', 'end', 'close'] as const) answer.once(event, () => come.resolve())
  await come.promise
  await before()
}

/** Hands a hijacked connection on, byte by byte both ways, each direction ended by itself. */
export async function splice(
  incoming: IncomingMessage,
  client: Duplex,
  head: Buffer,
  { upstream, clock }: { readonly upstream: Upstream; readonly clock: Clock },
): Promise<void> {
  const body = await readBody(incoming)
  const socket = await dial(upstream, clock)
  const lines = [`${incoming.method} ${upstream.path} HTTP/1.1`]
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    const name = incoming.rawHeaders[index] ?? ''
    if (REPLACED.has(name.toLowerCase())) continue
    lines.push(`${name}: ${incoming.rawHeaders[index + 1]}`)
  }
  lines.push(`host: ${upstream.address}`, `content-length: ${body.length}`, `${FORWARDED}: 1`)
  socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body, head]))
  const end = (): void => {
    socket.destroy()
    client.destroy()
  }
  socket.on('error', end)
  client.on('error', end)
  if (client.destroyed) end()
  client.pipe(socket)
  socket.pipe(client)
  const stop = upstream.whenLost?.(end)
  await finished(socket).catch(() => {})
  stop?.()
}

const REPLACED: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', FORWARDED])

/** Node hands the body of an upgrade request out with the request; the socket begins behind it. */
async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > HIJACK_BODY_BYTES_MAX)
      throw invalidInput('BODY_TOO_LARGE', 'The request that opens a stream is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function dial(upstream: Destination, clock: Clock): Promise<Socket> {
  const { tls } = upstream
  const target = { ...splitAddress(upstream.address), allowHalfOpen: true }
  const socket = tls === undefined ? connect(target) : connectTls({ ...target, ...connectionOptions(tls) })
  if (tls !== undefined) watchPeer(socket, tls)
  const connected = Promise.withResolvers<void>()
  const timer = clock.setTimer(CONNECT_MS_MAX, () => connected.reject(new Error('it does not answer')))
  socket.once(tls === undefined ? 'connect' : 'secureConnect', connected.resolve)
  socket.once('error', connected.reject)
  try {
    await connected.promise
    return socket
  } catch (cause) {
    socket.destroy()
    throw unreachable(upstream, cause)
  } finally {
    timer.cancel()
    socket.off('error', connected.reject)
  }
}
