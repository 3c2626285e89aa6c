import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorCode, failed, ShoalError, unavailable } from '../../core/errors.ts'
import { type ApiAddress, parseApiAddress } from './address.ts'
import { type ClientTls, connectionOptions, TLS_REASONS, watchPeer } from './tls.ts'

/** Longest wait for an answer to begin, connecting included, in milliseconds. */
const RESPONSE_MS_MAX = 30_000
/** A larger JSON answer is refused: no engine on a host sends one, and no manager of a cluster. */
const JSON_BYTES_MAX = 256 * 1024 * 1024
/** The same for a manager, which reads those of many hosts at once: a list, and anything else. */
const LIST_BYTES_MAX = 64 * 1024 * 1024
const ITEM_BYTES_MAX = 4 * 1024 * 1024
/** Longest wait for a connection, in milliseconds. */
export const CONNECT_MS_MAX = 5_000
/** Free connections kept. There is no limit to those in use: followers of logs and events hold one each for long. */
const CONNECTIONS_KEPT = 16
/** So soon after it was used no engine closes a connection unless it ends: what follows on a call shares its connection. */
const KEPT_FOR_POST_MS = 1_000
/** Repeating one of these does no harm. */
const IDEMPOTENT = ['GET', 'HEAD', 'PUT', 'DELETE']

export interface Call {
  readonly method: string
  readonly path: string
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON, or streamed with `contentType`. */
  readonly body?: object | Readable
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /** Longest wait for the answer to begin; Infinity for calls that wait for something to happen. */
  readonly responseMs?: number
  /** Lists are longer than other answers may be. */
  readonly isList?: boolean
}

/** HTTP to one address, over TCP or a unix socket, with deadlines. Answers of 400 and up are thrown as ShoalErrors. */
export interface Transport {
  readonly address: ApiAddress
  /** The body is the caller's to read to its end, or to destroy. */
  readonly send: (call: Call) => Promise<IncomingMessage>
  /** The answer as JSON; undefined if it is empty. */
  readonly json: (call: Call) => Promise<unknown>
  /** The bytes that follow an upgrade, both ways; `contentType` tells a raw from a multiplexed stream. */
  readonly upgrade: (call: Call) => Promise<{ readonly stream: Duplex; readonly contentType: string }>
  readonly close: () => void
}

export interface TransportPorts {
  readonly clock: Clock
  /** For tcp addresses. Absent: plain HTTP. */
  readonly tls?: ClientTls | undefined
  /** Many hosts are called, often and in short: answers are held to what one host has, and calls that change something share connections. */
  readonly isOneOfMany?: boolean
  /** Makes the connections, one a call, instead of the system: the address is only a name then. */
  readonly dial?: Dial | undefined
}

/** A connection to the API. Rejects with the signal's reason when nobody waits for it any more. */
export type Dial = (signal: AbortSignal) => Promise<Duplex>

export function createTransport(address: string, ports: TransportPorts): Transport {
  const { clock, tls: wanted, isOneOfMany = false, dial } = ports
  const target: ApiAddress = dial === undefined ? parseApiAddress(address) : { kind: 'dialled', text: address }
  // A socket of the file system is as safe as the file system, and no engine speaks TLS on one.
  const tls = target.kind === 'tcp' ? wanted : undefined
  const kept = {
    keepAlive: true,
    maxFreeSockets: CONNECTIONS_KEPT,
    ...(isOneOfMany ? { timeout: KEPT_FOR_POST_MS } : {}),
  }
  const agent = tls === undefined ? new Agent(kept) : new TlsAgent(kept)
  const ask = (call: Call, wire: Wire): Promise<IncomingMessage> =>
    exchange<IncomingMessage>(call, wire, (request, resolve) => void request.on('response', resolve))
  const send = async (call: Call): Promise<IncomingMessage> => {
    // The engine may close a kept connection just when it is used again. What may be repeated then is; anything else
    // gets a connection of its own.
    const mayRepeat = IDEMPOTENT.includes(call.method) && !(call.body instanceof Readable)
    const own: Wire = { target, clock, tls, dial, agent: false }
    const response = mayRepeat
      ? await ask(call, { target, clock, tls, dial, agent }).catch((error: unknown) => {
          if (error instanceof StaleConnection) return ask(call, own)
          throw error
        })
      : await ask(call, call.body instanceof Readable ? own : { ...own, agent: isOneOfMany && agent }).catch(
          (error: unknown) => {
            if (error instanceof StaleConnection) throw closedUnanswered(target, error)
            throw error
          },
        )
    if ((response.statusCode ?? 500) < 400) return response
    throw await failureOf(response, { call, target, clock })
  }
  return {
    address: target,
    send,
    async json(call) {
      const reading = { call, target, clock, bytesMax: bytesMax(call, isOneOfMany) }
      const text = await readInTime(await send(call), reading, call.responseMs)
      if (text.trim() === '') return undefined
      try {
        return JSON.parse(text)
      } catch (cause) {
        throw failed('BAD_ANSWER', `${target.text} answered ${call.path} with something that is not JSON`, { cause })
      }
    },
    upgrade: call =>
      exchange(call, { target, clock, tls, dial, agent: false, upgrades: true }, (request, resolve, reject) => {
        // Engines answer 101 to those who ask, old ones 200 and then the raw bytes on the same connection.
        request.on('upgrade', (response, socket, head) => {
          if (head.length > 0) socket.unshift(head)
          resolve({ stream: socket, contentType: response.headers['content-type'] ?? '' })
        })
        request.on('response', response => void failureOf(response, { call, target, clock }).then(reject, reject))
      }),
    close: () => agent.destroy(),
  }
}

function bytesMax({ isList = false }: Call, isOneOfMany: boolean): number {
  if (!isOneOfMany) return JSON_BYTES_MAX
  return isList ? LIST_BYTES_MAX : ITEM_BYTES_MAX
}

/** It may have done what it was asked: nobody but the caller knows whether to ask again. */
function closedUnanswered(target: ApiAddress, cause: Error): Error {
  return unavailable('ENGINE_UNAVAILABLE', `${target.text} has closed the connection without an answer`, { cause })
}

interface Wire {
  readonly target: ApiAddress
  readonly clock: Clock
  /** False: a connection of its own, closed afterwards. */
  readonly agent: Agent | false
  readonly upgrades?: boolean
  readonly tls: ClientTls | undefined
  readonly dial: Dial | undefined
}

/** A kept connection was closed by the other side before it answered. */
class StaleConnection extends Error {}

type Settle<T> = (request: ClientRequest, resolve: (value: T) => void, reject: (error: unknown) => void) => void

/** Sends a request and resolves with what `settle` makes of the answer; bounded by `responseMs` and by the signal. */
function exchange<T>(call: Call, wire: Wire, settle: Settle<T>): Promise<T> {
  const { signal, responseMs = RESPONSE_MS_MAX } = call
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
  return new Promise<T>((resolve, reject) => {
    const dialling = new AbortController()
    const request = (wire.tls === undefined ? httpRequest : httpsRequest)(optionsFor(call, wire, dialling.signal))
    const end = (why: Error): void => {
      // A request that has no connection yet hears of its end only from whoever makes one.
      dialling.abort(why)
      request.destroy(why)
    }
    const timer = Number.isFinite(responseMs)
      ? wire.clock.setTimer(responseMs, () =>
          end(
            unavailable(
              'ENGINE_SILENT',
              `${wire.target.text} did not answer ${call.path} within ${responseMs / 1_000} s`,
            ),
          ),
        )
      : undefined
    const onAbort = (): void => end(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
    signal?.addEventListener('abort', onAbort, { once: true })
    const leave = (): void => {
      timer?.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    request.on('close', leave)
    request.on('error', error => {
      leave()
      reject(explain(error, request, wire.target))
    })
    limitConnecting(request, wire)
    const done = (value: T): void => {
      timer?.cancel()
      resolve(value)
    }
    settle(request, done, reject)
    if (call.body instanceof Readable) {
      call.body.on('error', error => {
        // Told as it is: it is our side that cannot be read, not the other one that is away.
        reject(error)
        request.destroy(error)
      })
      call.body.pipe(request)
    } else request.end(call.body === undefined ? undefined : JSON.stringify(call.body))
  })
}

/** A host that is down answers nothing at all: that is known sooner than a slow answer. */
function limitConnecting(request: ClientRequest, { target, clock, tls }: Wire): void {
  request.on('socket', socket => {
    if (!socket.connecting) return
    if (tls !== undefined) watchPeer(socket, tls)
    const seconds = CONNECT_MS_MAX / 1_000
    const timer = clock.setTimer(CONNECT_MS_MAX, () => {
      request.destroy(
        unavailable('ENGINE_UNAVAILABLE', `Cannot connect to ${target.text}: no answer within ${seconds} s`, {
          details: UNSENT,
        }),
      )
    })
    socket.once(tls === undefined ? 'connect' : 'secureConnect', timer.cancel).once('close', timer.cancel)
  })
}

function optionsFor(
  call: Call,
  { target, agent, tls, dial, upgrades = false }: Wire,
  signal: AbortSignal,
): RequestOptions {
  const query = Object.entries(call.query ?? {}).filter(([, value]) => value !== undefined)
  const search = new URLSearchParams(query.map(([key, value]) => [key, String(value)])).toString()
  const upgrade = upgrades ? { connection: 'Upgrade', upgrade: 'tcp' } : {}
  const type = call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }
  return {
    ...whereTo(target),
    method: call.method,
    path: `${call.path}${search === '' ? '' : `?${search}`}`,
    ...(dial === undefined ? { agent } : { createConnection: connectionsOf(dial, signal) }),
    ...(tls === undefined ? {} : connectionOptions(tls)),
    headers: {
      host: target.kind === 'tcp' ? `${target.host}:${target.port}` : 'localhost',
      ...type,
      ...upgrade,
      ...call.headers,
    },
  }
}

function whereTo(target: ApiAddress): RequestOptions {
  if (target.kind === 'tcp') return { host: target.host, port: target.port }
  return target.kind === 'unix' ? { socketPath: target.path } : {}
}

function connectionsOf(dial: Dial, signal: AbortSignal): NonNullable<RequestOptions['createConnection']> {
  return (_options, done) => {
    const connect = async (): Promise<void> => {
      const outcome = await dial(signal).catch((error: unknown) =>
        error instanceof Error ? error : new Error('nobody connects'),
      )
      // Node looks at no stream beside an error, whatever its types say.
      if (outcome instanceof Error) Reflect.apply(done, undefined, [outcome])
      else done(null, outcome)
    }
    void connect()
    return undefined
  }
}

/** Reads an answer to its end as text. */
async function readText(body: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += (chunk as Buffer).length
    if (size > bytesMax) throw failed('ANSWER_TOO_LARGE', `The answer is larger than ${bytesMax} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString()
}

interface Reading {
  readonly call: Call
  readonly target: ApiAddress
  readonly clock: Clock
  readonly bytesMax: number
}

/** An answer that began must also end: whoever waits for a whole value waits for no longer than this. */
function readInTime(
  body: IncomingMessage,
  { call, target, clock, bytesMax }: Reading,
  ms = RESPONSE_MS_MAX,
): Promise<string> {
  if (!Number.isFinite(ms)) return readText(body, bytesMax)
  return withDeadline(() => readText(body, bytesMax), ms, {
    clock,
    signal: call.signal,
    onTimeout() {
      body.destroy()
      return unavailable(
        'ENGINE_SILENT',
        `${target.text} did not finish its answer to ${call.path} within ${ms / 1_000} s`,
      )
    },
  })
}

/** Status and message of a refusal, kept as they came. A refusal is short, however long the answer would have been waited for. */
async function failureOf(response: IncomingMessage, asked: Omit<Reading, 'bytesMax'>): Promise<ShoalError> {
  const { target } = asked
  const status = response.statusCode ?? 500
  const text = (await readInTime(response, { ...asked, bytesMax: ITEM_BYTES_MAX })).trim()
  const { message, code } = bodyOf(text)
  const sentence = message === '' ? `${target.text} answered with status ${status}` : message
  const details = { answered: true }
  if (status === 503) return unavailable(code ?? 'UNAVAILABLE', sentence, { details })
  return new ShoalError(code ?? 'ENGINE_REFUSED', status, sentence, { details })
}

function bodyOf(text: string): { message: string; code?: string } {
  try {
    const body = JSON.parse(text) as { message?: unknown; code?: unknown }
    const code = typeof body.code === 'string' ? { code: body.code } : {}
    return { message: typeof body.message === 'string' ? body.message : text, ...code }
  } catch {
    return { message: text }
  }
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOENT: 'no such socket',
  EACCES: 'permission denied',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'timed out',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'unknown host',
  EPIPE: 'connection closed',
}

/** Why nobody answers, by the system's code of what happened; undefined: something else did. */
export function whyUnreachable(code: string | undefined): string | undefined {
  return UNREACHABLE[code ?? ''] ?? TLS_REASONS[code ?? '']
}

function explain(error: Error, request: ClientRequest, target: ApiAddress): Error {
  if (request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(errorCode(error) ?? '')) {
    return new StaleConnection(error.message, { cause: error })
  }
  const why = whyUnreachable(errorCode(error))
  if (why === undefined) return error
  const details = isFromConnecting(error) ? UNSENT : {}
  return unavailable('ENGINE_UNAVAILABLE', `Cannot connect to ${target.text}: ${why}`, { cause: error, details })
}

const UNSENT = { sent: false }

/** Whether no byte of the request can have reached anybody, so that asking somebody else instead does it once at most. */
export function wasNeverSent(error: unknown): boolean {
  return error instanceof ShoalError && error.code === 'ENGINE_UNAVAILABLE' && error.details['sent'] === false
}

/** The same codes, such as ETIMEDOUT, also end connections that have been in use. */
function isFromConnecting(error: Error): boolean {
  // A name with several addresses: all of them failed.
  if (error instanceof AggregateError) {
    return error.errors.every(each => each instanceof Error && isFromConnecting(each))
  }
  return 'syscall' in error && (error.syscall === 'connect' || error.syscall === 'getaddrinfo')
}
