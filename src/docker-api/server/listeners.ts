import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { errorAnswer, type RequestHandler } from './http-app.ts'
import { checkExposure, formatAddress, type ListenAddress, listenOn, parseListenAddress } from './listen.ts'
import { refuseUpgrade } from './streams/hijack.ts'

/** PEM texts. `ca` is whose clients are let in; without it every client is. */
export interface ServerTls {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  readonly ca?: string | Buffer
  /**
   * Decides for each request whether it is answered: a connection can then be made without a certificate. Absent: a connection needs one of
   * `ca`, and then everything is answered.
   */
  readonly refuse?: (request: IncomingMessage) => Error | undefined
  /** Told of each connection that was made, whatever becomes of it. */
  readonly connected?: (socket: TLSSocket) => void
  /** Tells when the texts have changed, until the function returned is called. Absent: they never do. */
  readonly onChange?: (changed: () => void) => () => void
}

export interface ListenOptions {
  /** `unix:///run/shoal/engine.sock`, `tcp://127.0.0.1:2375`. */
  readonly hosts: readonly string[]
  /** For tcp hosts. */
  readonly tls?: ServerTls
  /** Number of the group that may use unix sockets; absent: root's. */
  readonly socketGroup?: number
  /** Lets plain tcp be served on addresses that other machines reach. */
  readonly insecure?: boolean
}

export interface Listeners {
  /**
   * Serves on all of the hosts or, if one of them fails, on none. Resolves with the addresses bound, as hosts.
   * Throws BAD_HOST, INSECURE_HOST, ADDRESS_IN_USE, CANNOT_LISTEN.
   */
  readonly listen: (options: ListenOptions) => Promise<readonly string[]>
  /** Stops listening and ends every connection. */
  readonly close: () => Promise<void>
}

/** What is served: requests, and the connections that stop being HTTP. */
export interface Served {
  readonly handler: RequestHandler
  /** Whether a request that asks to upgrade may; any other is answered as if it had not asked. */
  readonly isUpgrade: (request: IncomingMessage) => boolean
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

interface Listening {
  readonly server: Server
  readonly connections: ReadonlySet<Socket>
}

export function createListeners(served: Served): Listeners {
  const servers: Listening[] = []
  const close = async (): Promise<void> => {
    await Promise.all(servers.splice(0).map(closeServer))
  }
  return {
    async listen({ hosts, tls, insecure = false, socketGroup }) {
      const addresses = hosts.map(parseListenAddress)
      for (const address of addresses) checkExposure(address, { isSecure: tls !== undefined, insecure })
      try {
        const bound: ListenAddress[] = []
        for (const address of addresses) {
          const server = newServer(served, address.kind === 'tcp' ? tls : undefined)
          servers.push({ server, connections: trackConnections(server) })
          bound.push(await listenOn(server, address, socketGroup))
        }
        return bound.map(formatAddress)
      } catch (error) {
        await close()
        throw error
      }
    },
    close,
  }
}

/** As Docker has it: whoever begins to ask does so within this time. */
const HEADERS_MS_MAX = 300_000
/** A client over the network that is not there any more is found out by the kernel. */
const PROBE_AFTER_MS = 30_000

function newServer({ handler, isUpgrade, onUpgrade }: Served, tls: ServerTls | undefined): Server {
  const options: ServerOptions = {
    // Uploads of images and attached terminals last as long as they last.
    requestTimeout: 0,
    headersTimeout: HEADERS_MS_MAX,
    // Never closed for being idle, as by Docker: the next request may be on its way, and would be met by a reset.
    keepAliveTimeout: 0,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER_MS,
    shouldUpgradeCallback: isUpgrade,
  }
  if (tls === undefined) return createServer(options, handler).on('upgrade', onUpgrade)
  const { refuse = () => undefined } = tls
  const server = newTlsServer(options, tls)
  server.on('request', (request, response) => {
    const refusal = refuse(request)
    if (refusal === undefined) return handler(request, response)
    const { status, body } = errorAnswer(refusal)
    // What else would come over this connection is not read.
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body))
  })
  return server.on('upgrade', (request, socket, head) => {
    const refusal = refuse(request)
    if (refusal === undefined) return onUpgrade(request, socket, head)
    socket.on('error', () => socket.destroy())
    refuseUpgrade(socket, refusal)
  })
}

/** The connections of a server, with those that it does not count as its own any more because they were taken over. */
function trackConnections(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  return connections
}

function newTlsServer(options: ServerOptions, tls: ServerTls): Server {
  const { ca, refuse, onChange, connected } = tls
  const clients = ca === undefined ? {} : { requestCert: true, rejectUnauthorized: refuse === undefined }
  // As without TLS: a client that has no more input still waits for output.
  const server = createTlsServer({ ...options, ...secrets(tls), ...clients, allowHalfOpen: true })
  if (connected !== undefined) server.on('secureConnection', connected)
  const stop = onChange?.(() => server.setSecureContext(secrets(tls)))
  return stop === undefined ? server : server.on('close', stop)
}

function secrets({ cert, key, ca }: ServerTls): Pick<ServerTls, 'cert' | 'key' | 'ca'> {
  return { cert, key, ...(ca === undefined ? {} : { ca }) }
}

async function closeServer({ server, connections }: Listening): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  for (const socket of connections) socket.destroy()
  await promise
}
