import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../core/clock.ts'
import { errorCode } from '../../core/errors.ts'
import { type ClientTls, connectionOptions, watchPeer } from '../../docker-api/index.ts'

/** Where a request is handed on to: a host that speaks HTTP, and the path there. */
export interface Destination {
  /** For messages: `node n1`. */
  readonly what: string
  /** `10.0.0.11:2375`. */
  readonly address: string
  readonly path: string
  /** Absent: no TLS. */
  readonly tls?: ClientTls
}

export interface Question {
  readonly method: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface Exchange {
  /** To be ended, or destroyed. */
  readonly request: ClientRequest
  /** Rejects if there is no answer; with {@link KeptConnectionClosed} if that is due to a connection that was used before. */
  readonly answered: Promise<IncomingMessage>
}

/** Longest wait for a connection, in milliseconds. */
export const CONNECT_MS_MAX = 3_000
/** How many connections to one host are kept that nobody uses, and how long: shorter than servers do, so that they rarely close first. */
const KEPT = 8
const KEPT_MS = 3_000

/** The other side has closed a connection between two requests. */
export class KeptConnectionClosed extends Error {}

/**
 * Connections to nodes and managers that are used again and again. There is no limit to those in use: followers hold one each for
 * long. Only a connection whose last answer was read to its regular end is kept; one that says anything unasked is closed.
 */
export class Connections {
  readonly #clock: Clock
  readonly #plain = keeping(new Agent({ keepAlive: true, maxFreeSockets: KEPT, timeout: KEPT_MS }))
  readonly #tls = keeping(new TlsAgent({ keepAlive: true, maxFreeSockets: KEPT, timeout: KEPT_MS }))

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `isFresh`: over a connection of its own, that nobody else uses before or after. */
  ask({ address, path, tls }: Destination, { method, headers }: Question, isFresh = false): Exchange {
    const agent = tls === undefined ? this.#plain : this.#tls
    const request = (tls === undefined ? httpRequest : httpsRequest)({
      ...splitAddress(address),
      ...(tls === undefined ? {} : connectionOptions(tls)),
      path,
      method,
      headers: { ...headers, host: address },
      agent: isFresh ? false : agent,
    })
    this.#limitConnecting(request, tls)
    const answered = Promise.withResolvers<IncomingMessage>()
    request.on('response', answered.resolve)
    request.on('error', error => answered.reject(explained(error, request)))
    request.on('close', () => answered.reject(new Error('it has closed the connection')))
    answered.promise.catch(() => {})
    return { request, answered: answered.promise }
  }

  /** Closes what is kept. */
  close(): void {
    this.#plain.destroy()
    this.#tls.destroy()
  }

  #limitConnecting(request: ClientRequest, tls: ClientTls | undefined): void {
    request.on('socket', socket => {
      if (!socket.connecting) return
      if (tls !== undefined) watchPeer(socket, tls)
      const timer = this.#clock.setTimer(CONNECT_MS_MAX, () => void request.destroy(new Error('it does not answer')))
      socket.once(tls === undefined ? 'connect' : 'secureConnect', timer.cancel).once('close', timer.cancel)
    })
  }
}

function explained(error: Error, request: ClientRequest): Error {
  const isClosed = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(errorCode(error) ?? '')
  return isClosed ? new KeptConnectionClosed(error.message, { cause: error }) : error
}

/** Bytes that come between two requests would be taken for the answer to the next: whoever sends some is not asked that way again. */
function keeping<T extends Agent>(agent: T): T {
  const keep = agent.keepSocketAlive.bind(agent)
  const reuse = agent.reuseSocket.bind(agent)
  const refuse = new WeakMap<Duplex, () => void>()
  agent.keepSocketAlive = socket => {
    const isKept = keep(socket)
    const close = (): void => void socket.destroy()
    refuse.set(socket, close)
    socket.on('data', close)
    return isKept
  }
  agent.reuseSocket = (socket, request) => {
    const close = refuse.get(socket)
    if (close !== undefined) socket.off('data', close)
    reuse(socket, request)
  }
  return agent
}

export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
