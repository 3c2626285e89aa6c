import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from '../../core/clock.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Engine } from '../engine.ts'
import { createHttpApp, type HttpApp } from './http-app.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { buildRoutes } from './routes/build-routes.ts'
import { containerFileRoutes } from './routes/container-file-routes.ts'
import { containerRoutes } from './routes/container-routes.ts'
import { execRoutes } from './routes/exec-routes.ts'
import { imageRoutes } from './routes/image-routes.ts'
import { networkRoutes } from './routes/network-routes.ts'
import { streamRoutes } from './routes/stream-routes.ts'
import { buildkitRoutes, swarmRoutes } from './routes/swarm-routes.ts'
import { systemRoutes } from './routes/system-routes.ts'
import { volumeRoutes } from './routes/volume-routes.ts'
import { eventRoutes } from './streams/event-stream.ts'
import { answerUpgrade, isHijack } from './streams/hijack.ts'

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
  imageRoutes(app, engine, clock)
  buildRoutes(app, engine, clock)
  networkRoutes(app, engine)
  volumeRoutes(app, engine)
  swarmRoutes(app)
  buildkitRoutes(app)
}
