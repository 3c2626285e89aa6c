import type { IncomingMessage } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Engine } from '../engine.ts'
import { containerRoutes } from './container-routes.ts'
import { execRoutes } from './exec-routes.ts'
import { answerUpgrade, isHijack } from './hijack.ts'
import { createHttpApp, type HttpApp, type RequestHandler } from './http-app.ts'
import { imageRoutes } from './image-routes.ts'
import { checkExposure, formatAddress, type ListenAddress, listenOn, parseListenAddress } from './listen.ts'
import { networkRoutes } from './network-routes.ts'
import { streamRoutes } from './stream-routes.ts'
import { systemRoutes } from './system-routes.ts'
import { volumeRoutes } from './volume-routes.ts'

export interface DockerServerOptions {
  readonly engine: Engine
  readonly log: Log
  /** More routes beside Docker's. */
  readonly extend?: (app: HttpApp) => void
}

/** PEM texts. `ca` is whose clients are let in; without it every client is. */
export interface ServerTls {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  readonly ca?: string | Buffer
}

export interface ListenOptions {
  /** `unix:///run/shoal/engine.sock`, `tcp://127.0.0.1:2375`. */
  readonly hosts: readonly string[]
  /** For tcp hosts. */
  readonly tls?: ServerTls
  /** Lets plain tcp be served on addresses that other machines reach. */
  readonly insecure?: boolean
}

export interface DockerServer {
  /**
   * Serves on all of the hosts or, if one of them fails, on none. Resolves with the addresses bound, as hosts.
   * Throws BAD_HOST, INSECURE_HOST, ADDRESS_IN_USE, CANNOT_LISTEN.
   */
  readonly listen: (options: ListenOptions) => Promise<readonly string[]>
  /** Stops listening and ends every connection. */
  readonly close: () => Promise<void>
}

/** Serves an engine as the Docker Engine API 1.24 to 1.47, with and without the version in front of the path. */
export async function createDockerServer({ engine, log, extend }: DockerServerOptions): Promise<DockerServer> {
  const app = await createHttpApp({ log }, routes => {
    registerDockerRoutes(routes, engine)
    extend?.(routes)
  })
  const servers: Server[] = []
  const closeServers = async (): Promise<void> => {
    await Promise.all(servers.splice(0).map(closeServer))
  }
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    void answerUpgrade(engine, request, socket, head).catch((error: unknown) => {
      log.warn({ url: request.url, error: errorMessage(error) }, 'conversation failed')
      socket.destroy()
    })
  }
  return {
    async listen({ hosts, tls, insecure = false }) {
      const addresses = hosts.map(parseListenAddress)
      for (const address of addresses) checkExposure(address, { isSecure: tls !== undefined, insecure })
      try {
        const bound: ListenAddress[] = []
        for (const address of addresses) {
          const server = newServer(app.handler, address.kind === 'tcp' ? tls : undefined).on('upgrade', onUpgrade)
          bound.push(await listenOn(server, address))
          servers.push(server)
        }
        return bound.map(formatAddress)
      } catch (error) {
        await closeServers()
        throw error
      }
    },
    async close() {
      await closeServers()
      await app.close()
    },
  }
}

/** Docker's routes for an engine, to be served beside others. Hijacked connections are not among them. */
function registerDockerRoutes(app: HttpApp, engine: Engine): void {
  systemRoutes(app, engine)
  containerRoutes(app, engine)
  streamRoutes(app, engine)
  execRoutes(app, engine)
  imageRoutes(app, engine)
  networkRoutes(app, engine)
  volumeRoutes(app, engine)
}

function newServer(handler: RequestHandler, tls: ServerTls | undefined): Server {
  // Uploads of images and attached terminals last as long as they last.
  const options: ServerOptions = { requestTimeout: 0, shouldUpgradeCallback: isHijack }
  if (tls === undefined) return createServer(options, handler)
  const { cert, key, ca } = tls
  const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }
  return createTlsServer({ ...options, cert, key, ...clients }, handler)
}

async function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  await promise
}
