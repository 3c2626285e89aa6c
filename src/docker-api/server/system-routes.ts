import { once } from 'node:events'
import type { Engine } from '../engine.ts'
import { beginStream, closedSignal, type HttpApp } from './http-app.ts'
import { Query } from './request.ts'

/** The classic builder: clients then send the context as a tar to /build. */
const BUILDER_VERSION = '1'

export function systemRoutes(app: HttpApp, engine: Engine): void {
  app.get('/_ping', (_request, reply) => {
    reply.headers({
      'Builder-Version': BUILDER_VERSION,
      'Cache-Control': 'no-cache, no-store, must-revalidate',
      Pragma: 'no-cache',
      'Content-Type': 'text/plain; charset=utf-8',
    })
    return reply.send('OK')
  })
  app.get('/version', () => engine.version())
  app.get('/info', () => engine.info())
  app.post('/auth', () => ({ Status: 'Login Succeeded', IdentityToken: '' }))
  app.get('/system/df', () => diskUsage(engine))
  app.get('/events', async (request, reply) => {
    const query = new Query(request.url)
    const sinceMs = query.timeMs('since')
    const untilMs = query.timeMs('until')
    const signal = closedSignal(reply)
    const events = engine.events(
      {
        filters: query.filters(),
        ...(sinceMs === undefined ? {} : { sinceMs }),
        ...(untilMs === undefined ? {} : { untilMs }),
      },
      signal,
    )
    const body = beginStream(reply, 'application/json')
    try {
      for await (const event of events) {
        if (!body.write(`${JSON.stringify(withOldNames(event))}\n`)) await once(body, 'drain', { signal })
      }
    } finally {
      body.end()
    }
  })
}

async function diskUsage(engine: Engine) {
  const [images, containers, volumes] = await Promise.all([
    engine.images.list({}),
    engine.containers.list({ all: true }),
    engine.volumes.list({}),
  ])
  const usesOf = (volume: string): number =>
    containers.filter(({ Mounts }) => Mounts.some(({ Name }) => Name === volume)).length
  return {
    LayersSize: images.reduce((sum, { Size }) => sum + Size, 0),
    Images: images.map(image => ({
      ...image,
      Containers: containers.filter(({ ImageID }) => ImageID === image.Id).length,
    })),
    Containers: containers.map(container => ({ ...container, SizeRw: 0, SizeRootFs: 0 })),
    // Docker's -1: not measured, as that would read every file.
    Volumes: volumes.map(volume => ({ ...volume, UsageData: { RefCount: usesOf(volume.Name), Size: -1 } })),
    BuildCache: [],
  }
}

/** Clients older than API 1.22 read `status`, `id` and `from`; the docker CLI of classic Swarm is one. */
function withOldNames<T extends { Type: string; Action: string; Actor: { ID: string; Attributes: object } }>(event: T) {
  const image = 'image' in event.Actor.Attributes ? { from: event.Actor.Attributes.image } : {}
  return event.Type === 'container' ? { status: event.Action, id: event.Actor.ID, ...image, ...event } : event
}
