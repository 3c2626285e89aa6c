import { isBefore, spokenVersion, versionOf } from '../../api-version.ts'
import type { Engine } from '../../engine.ts'
import type { SystemInfo } from '../../resource-types.ts'
import { orderedInfo, orderedVersion } from '../field-order.ts'
import type { HttpApp } from '../http-app.ts'
import { Query } from '../request.ts'
import { diskUsage } from './disk-usage.ts'

/** The classic builder: clients then send the context as a tar to /build. */
const BUILDER_VERSION = '1'

const PING_HEADERS = {
  'Builder-Version': BUILDER_VERSION,
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  'Content-Type': 'text/plain; charset=utf-8',
  Pragma: 'no-cache',
  Swarm: 'inactive',
}

export function systemRoutes(app: HttpApp, engine: Engine): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/_ping',
    handler: (request, reply) => reply.headers(PING_HEADERS).send(request.method === 'HEAD' ? '' : 'OK'),
  })
  app.get('/version', async () => orderedVersion(await engine.version()))
  app.get('/info', async ({ originalUrl }) => infoFor(spokenVersion(originalUrl), await engine.info()))
  app.get('/system/df', ({ url, originalUrl }) =>
    diskUsage(engine, { types: new Query(url).all('type'), version: versionOf(originalUrl) }),
  )
}

/** What came and went with versions of the API. */
function infoFor(version: string, info: SystemInfo): object {
  const { KernelMemory, CDISpecDirs, ...always } = info
  return orderedInfo({
    ...always,
    ...(isBefore(version, '1.42') && KernelMemory !== undefined ? { KernelMemory } : {}),
    ...(isBefore(version, '1.44') || CDISpecDirs === undefined ? {} : { CDISpecDirs }),
    ...(isBefore(version, '1.25') && info.SecurityOptions !== undefined
      ? { SecurityOptions: info.SecurityOptions.map(plainOption), ExecutionDriver: '<not supported>' }
      : {}),
  })
}

/** `name=seccomp,profile=builtin` was `seccomp` once. */
function plainOption(option: string): string {
  return /(?:^|,)name=([^,]*)/.exec(option)?.[1] ?? option
}
