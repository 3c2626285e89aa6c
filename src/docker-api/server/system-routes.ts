import { isBefore, spokenVersion } from '../api-version.ts'
import type { Engine } from '../engine.ts'
import type { SystemInfo } from '../resource-types.ts'
import type { HttpApp } from './http-app.ts'

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
  app.get('/info', async ({ originalUrl }) => infoFor(spokenVersion(originalUrl), await engine.info()))
  app.get('/system/df', () => diskUsage(engine))
}

/** What came and went with versions of the API. */
function infoFor(version: string, info: SystemInfo): object {
  const { KernelMemory, CDISpecDirs, ...always } = info
  return {
    ...always,
    ...(isBefore(version, '1.42') && KernelMemory !== undefined ? { KernelMemory } : {}),
    ...(isBefore(version, '1.44') || CDISpecDirs === undefined ? {} : { CDISpecDirs }),
    ...(isBefore(version, '1.25') && info.SecurityOptions !== undefined
      ? { SecurityOptions: info.SecurityOptions.map(plainOption), ExecutionDriver: '<not supported>' }
      : {}),
  }
}

/** `name=seccomp,profile=builtin` was `seccomp` once. */
function plainOption(option: string): string {
  return /(?:^|,)name=([^,]*)/.exec(option)?.[1] ?? option
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
