import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../../core/clock.ts'
import { errorMessage, invalidInput, unavailable } from '../../core/errors.ts'
import { type ClientTls, connectionOptions } from '../../docker-api/index.ts'

/** Where a request is handed on to: a host that speaks HTTP, and the path there. */
export interface Upstream {
  /** For messages: `node n1`. */
  readonly what: string
  /** `10.0.0.11:2375`. */
  readonly address: string
  readonly path: string
  /** Absent: no TLS. */
  readonly tls?: ClientTls
  /** Waited for once it has answered, before the client hears of it: at all, or of anything behind the head. */
  readonly beforeHead?: () => Promise<void>
  readonly beforeBody?: () => Promise<void>
  /** Writes a good answer's body on, and what is to be said besides; the response is ended behind it. Absent: as it is. */
  readonly relay?: (answer: IncomingMessage, response: ServerResponse) => Promise<void>
}

const CONNECT_TIMEOUT_MS = 3_000
const HIJACK_BODY_BYTES_MAX = 1024 * 1024
/** Marks a request that was handed on once, so that two managers never play ball with it. */
export const FORWARDED = 'x-shoal-forwarded'

/**
 * Hands a request on, and the answer back, as streams: neither is buffered and a client that goes away ends both.
 * Throws 503 `UNREACHABLE` if the other side does not take the connection in time.
 */
export async function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  upstream: Upstream,
  clock: Clock,
): Promise<void> {
  const { host, port } = splitAddress(upstream.address)
  const socket = await dial(upstream, clock)
  const outgoing = httpRequest({
    host,
    port,
    path: upstream.path,
    method: incoming.method ?? 'GET',
    headers: { ...incoming.headers, host: upstream.address, connection: 'close', [FORWARDED]: '1' },
    createConnection: () => socket,
  })
  response.on('close', () => outgoing.destroy())
  // Gone while we connected: the event was before we listened.
  if (response.destroyed) outgoing.destroy()
  const answered = Promise.withResolvers<IncomingMessage>()
  outgoing.on('response', answered.resolve)
  outgoing.on('error', answered.reject)
  incoming.pipe(outgoing)
  let answer: IncomingMessage
  try {
    answer = await answered.promise
  } catch (cause) {
    throw unavailable('UNREACHABLE', `Cannot reach ${upstream.what}: ${errorMessage(cause)}`, { cause })
  }
  await upstream.beforeHead?.()
  const { connection: _connection, 'keep-alive': _keepAlive, ...headers } = answer.headers
  response.writeHead(answer.statusCode ?? 502, headers)
  // Followers of logs and events wait for the head of the answer, long before there is a body.
  response.flushHeaders()
  answer.on('error', () => response.destroy())
  if (upstream.beforeBody !== undefined) await untilBody(answer, upstream.beforeBody)
  if (upstream.relay === undefined || answer.statusCode !== 200) answer.pipe(response)
  else {
    await upstream.relay(answer, response)
    response.end()
  }
  await finished(response).catch(() => {})
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
  await finished(socket).catch(() => {})
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

async function dial(upstream: Upstream, clock: Clock): Promise<Socket> {
  const { tls } = upstream
  const target = { ...splitAddress(upstream.address), allowHalfOpen: true }
  const socket = tls === undefined ? connect(target) : connectTls({ ...target, ...connectionOptions(tls) })
  const connected = Promise.withResolvers<void>()
  const timer = clock.setTimer(CONNECT_TIMEOUT_MS, () => connected.reject(new Error('it does not answer')))
  socket.once(tls === undefined ? 'connect' : 'secureConnect', connected.resolve)
  socket.once('error', connected.reject)
  try {
    await connected.promise
    return socket
  } catch (cause) {
    socket.destroy()
    throw unavailable('UNREACHABLE', `Cannot reach ${upstream.what} at ${upstream.address}: ${errorMessage(cause)}`, {
      cause,
    })
  } finally {
    timer.cancel()
    socket.off('error', connected.reject)
  }
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
