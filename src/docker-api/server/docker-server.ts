import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from '../../core/clock.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Engine } from '../engine.ts'
import { buildRoutes } from './build-routes.ts'
import { containerFileRoutes } from './container-file-routes.ts'
import { containerRoutes } from './container-routes.ts'
import { eventRoutes } from './event-stream.ts'
import { execRoutes } from './exec-routes.ts'
import { answerUpgrade, isHijack } from './hijack.ts'
import { createHttpApp, type HttpApp } from './http-app.ts'
import { imageRoutes } from './image-routes.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { networkRoutes } from './network-routes.ts'
import { streamRoutes } from './stream-routes.ts'
import { buildkitRoutes, swarmRoutes } from './swarm-routes.ts'
import { systemRoutes } from './system-routes.ts'
import { volumeRoutes } from './volume-routes.ts'

export interface DockerServerOptions {
  readonly engine: Engine
  readonly log: Log
  /** Absent: the system's. */
  readonly clock?: Clock
  /** More routes beside Docker's. */
  readonly extend?: (app: HttpApp) => void
}

export type DockerServer = Listeners

/** Serves an engine as the Docker Engine API 1.24 to 1.47, with and without the version in front of the path. */
export async function createDockerServer({
  engine,
  log,
  extend,
  clock = systemClock,
}: DockerServerOptions): Promise<DockerServer> {
  const app = await createHttpApp({ log }, routes => {
    registerDockerRoutes(routes, engine, clock)
    extend?.(routes)
  })
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    void answerUpgrade(engine, request, socket, head).catch((error: unknown) => {
      log.warn({ url: request.url, error: errorMessage(error) }, 'conversation failed')
      socket.destroy()
    })
  }
  const listeners = createListeners({ handler: app.handler, isUpgrade: isHijack, onUpgrade })
  return {
    listen: listeners.listen,
    async close() {
      await listeners.close()
      await app.close()
    },
  }
}

/** Docker's routes for an engine, to be served beside others. Hijacked connections are not among them. */
function registerDockerRoutes(app: HttpApp, engine: Engine, clock: Clock): void {
  systemRoutes(app, engine)
  eventRoutes(app, engine)
  containerRoutes(app, engine)
  containerFileRoutes(app, engine, clock)
  streamRoutes(app, engine)
  execRoutes(app, engine)
  imageRoutes(app, engine)
  buildRoutes(app, engine, clock)
  networkRoutes(app, engine)
  volumeRoutes(app, engine)
  swarmRoutes(app)
  buildkitRoutes(app)
}
