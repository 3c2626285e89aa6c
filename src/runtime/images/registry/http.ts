import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SecureContext } from 'node:tls'
import type { Clock } from '../../../core/clock.ts'
import { errorCode, errorMessage, failed, ShoalError, unavailable } from '../../../core/errors.ts'

/** Nothing came for this long: the other side is gone. */
const IDLE_TIMEOUT_MS = 60_000
/** A host that does not even take a connection in this time is not there. */
const CONNECT_TIMEOUT_MS = 5_000
const REDIRECTS_MAX = 5
/** Manifests, tokens and errors are small; more is a mistake or an attack. */
const BODY_BYTES_MAX = 8 << 20

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | (() => Readable)
  readonly signal: AbortSignal
  /** How long the other side may be silent. */
  readonly idleTimeoutMs?: number
  /** How long the whole answer may take, redirects and its body included; absent: as long as something comes. */
  readonly deadlineMs?: number
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Must be read or destroyed. */
  readonly body: IncomingMessage
  /** Where it came from in the end. */
  readonly url: string
}

export interface HttpTrust {
  /** Accept certificates nobody vouches for. */
  readonly anyCertificate: boolean
  /** Whose word counts; absent: the authorities that Node knows. */
  readonly context?: SecureContext | undefined
}

/** HTTP for talking to registries: kept-alive connections, an idle deadline, redirects without credentials. */
export class HttpClient implements Disposable {
  readonly #http = new HttpAgent({ keepAlive: true, timeout: IDLE_TIMEOUT_MS })
  readonly #https: HttpsAgent
  readonly #clock: Clock

  constructor(trust: HttpTrust, clock: Clock) {
    this.#clock = clock
    this.#https = new HttpsAgent({
      keepAlive: true,
      timeout: IDLE_TIMEOUT_MS,
      rejectUnauthorized: !trust.anyCertificate,
      ...(trust.context === undefined ? {} : { secureContext: trust.context }),
    })
  }

  /** Sends a request. Throws REGISTRY_UNREACHABLE, transient where a second try may help. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { deadlineMs } = request
    if (deadlineMs === undefined) return this.#follow(request)
    const deadline = new AbortController()
    const timer = this.#clock.setTimer(deadlineMs, () => deadline.abort())
    try {
      const response = await this.#follow({ ...request, signal: AbortSignal.any([request.signal, deadline.signal]) })
      response.body.once('close', timer.cancel)
      return response
    } catch (error) {
      timer.cancel()
      request.signal.throwIfAborted()
      throw deadline.signal.aborted ? idleError(request.url, deadlineMs) : error
    }
  }

  [Symbol.dispose](): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  async #follow(request: HttpRequest, redirectsLeft = REDIRECTS_MAX): Promise<HttpResponse> {
    const response = await this.#once(request).catch((error: unknown) => {
      request.signal.throwIfAborted()
      throw unreachableError(request.url, error)
    })
    const { location } = response.headers
    const redirect = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined
    if (!redirect || !['GET', 'HEAD'].includes(request.method)) return response
    response.body.destroy()
    if (redirectsLeft === 0) throw failed('REGISTRY_REDIRECTS', `The registry redirects without end at ${request.url}`)
    const url = targetOf(location, request.url)
    const { authorization: _, ...others } = request.headers ?? {}
    const headers = new URL(url).origin === new URL(request.url).origin ? (request.headers ?? {}) : others
    return this.#follow({ ...request, url, headers }, redirectsLeft - 1)
  }

  async #once({
    method,
    url,
    headers,
    body,
    signal,
    idleTimeoutMs = IDLE_TIMEOUT_MS,
  }: HttpRequest): Promise<HttpResponse> {
    const secure = url.startsWith('https:')
    const answer = Promise.withResolvers<IncomingMessage>()
    const length = Buffer.isBuffer(body) ? { 'content-length': `${body.length}` } : {}
    const options = { method, headers: { ...headers, ...length }, signal, timeout: idleTimeoutMs }
    const request = secure
      ? httpsRequest(url, { ...options, agent: this.#https }, answer.resolve)
      : httpRequest(url, { ...options, agent: this.#http }, answer.resolve)
    limitConnecting(request, url, this.#clock)
    request.on('timeout', () => request.destroy(idleError(url, idleTimeoutMs)))
    request.on('error', answer.reject)
    if (typeof body === 'function') pipeline(body(), request, { signal }).catch(answer.reject)
    else request.end(body)
    const response = await answer.promise
    return { status: response.statusCode ?? 0, headers: response.headers, body: response, url }
  }
}

/** Where a redirect leads. Throws REGISTRY_REDIRECTS for anything else than HTTP. */
function targetOf(location: string, from: string): string {
  const url = URL.parse(location, from)
  if (url !== null && ['http:', 'https:'].includes(url.protocol)) return url.href
  throw failed('REGISTRY_REDIRECTS', `The registry redirects from ${from} to something that is no web address`)
}

/** Reads a small body whole. */
export async function readBody({ body, url }: HttpResponse): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      bytes += (chunk as Buffer).length
      if (bytes > BODY_BYTES_MAX)
        throw failed('REGISTRY_ANSWER', `The answer of ${url} is larger than ${BODY_BYTES_MAX} bytes`)
      chunks.push(chunk as Buffer)
    }
  } catch (error) {
    throw errorCode(error) === 'REGISTRY_ANSWER' ? error : unreachableError(url, error)
  }
  return Buffer.concat(chunks)
}

/** A fresh connection has less time than an answer on one that stands. */
function limitConnecting(request: ClientRequest, url: string, clock: Clock): void {
  request.on('socket', socket => {
    if (!socket.connecting) return
    const timer = clock.setTimer(CONNECT_TIMEOUT_MS, () => void request.destroy(connectError(url)))
    socket.once('connect', timer.cancel).once('close', timer.cancel)
  })
}

function connectError(url: string): Error {
  const { host } = new URL(url)
  const seconds = CONNECT_TIMEOUT_MS / 1000
  return failed(
    'REGISTRY_UNREACHABLE',
    `Cannot reach the registry ${host} (no connection within ${seconds} s): check its name, and that it runs and can be reached from here`,
    { details: { reason: 'ETIMEDOUT' } },
  )
}

function idleError(url: string, idleTimeoutMs: number): Error {
  return unavailable(
    'REGISTRY_SILENT',
    `The registry ${new URL(url).host} was silent for ${idleTimeoutMs / 1000} s: check that it runs and can be reached from here`,
  )
}

/** Failures that a second try in a moment would only repeat. */
const LASTING = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']

/** Says that a registry cannot be reached, why, and what to do. */
export function unreachableError(url: string, cause: unknown): Error {
  if (cause instanceof ShoalError) return cause
  const { host } = new URL(url)
  const code = errorCode(cause) ?? ''
  const tls = code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.includes('CERT')
  const message = tls
    ? `Cannot speak TLS with the registry ${host} (${errorMessage(cause)}): if it is meant to be insecure, name it with --insecure-registry`
    : `Cannot reach the registry ${host} (${errorMessage(cause) || code}): check its name, and that it runs and can be reached from here`
  const lasting = tls || LASTING.includes(code)
  return lasting
    ? failed('REGISTRY_UNREACHABLE', message, { cause, details: { reason: code } })
    : unavailable('REGISTRY_UNREACHABLE', message, { cause, details: { reason: code } })
}
