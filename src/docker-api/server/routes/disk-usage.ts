import { invalidInput } from '../../../core/errors.ts'
import type { Engine } from '../../engine.ts'
import type { ImageSummary } from '../../resource-types.ts'
import { summaryFor } from './image-shapes.ts'

const TYPES = ['container', 'image', 'volume', 'build-cache']

/**
 * `GET /system/df` as a version of the API has it: what the engine's disk is used for; of some kinds of things only, if
 * they are named. Throws 400.
 */
export async function diskUsage(
  engine: Engine,
  { types, version }: { readonly types: readonly string[]; readonly version: string | undefined },
): Promise<object> {
  const unknown = types.find(type => !TYPES.includes(type))
  if (unknown !== undefined) throw invalidInput('BAD_QUERY', `unknown object type: ${unknown}`)
  const wants = (type: string): boolean => types.length === 0 || types.includes(type)
  // Who uses what is asked for in any case: it costs little without sizes.
  const containers = await engine.containers.list({ all: true, size: wants('container') })
  const images = wants('image') ? await engine.images.list({ sharedSize: true }) : []
  const volumes = wants('volume') ? await engine.volumes.list({ size: true }) : []
  const usersOf = (id: string): number => containers.filter(({ ImageID }) => ImageID === id).length
  return {
    ...(wants('image')
      ? {
          LayersSize: await layersSize(engine, images),
          Images: images.map(image => summaryFor(version, { ...image, Containers: usersOf(image.Id) })),
        }
      : {}),
    ...(wants('container') ? { Containers: containers } : {}),
    ...(wants('volume') ? { Volumes: volumes } : {}),
    ...(wants('build-cache') ? { BuildCache: [], BuilderSize: 0 } : {}),
  }
}

/** Bytes of all layers. Layers can only be shared by images that begin with the same one, and there they count once. */
async function layersSize(engine: Engine, images: readonly ImageSummary[]): Promise<number> {
  const shared = new Map<string, number>()
  let bytes = 0
  for (const { Id, Size, SharedSize } of images) {
    bytes += Size - SharedSize
    if (SharedSize <= 0) continue
    const [first = Id] = (await engine.images.inspect(Id)).RootFS.Layers ?? []
    shared.set(first, Math.max(shared.get(first) ?? 0, SharedSize))
  }
  return [...shared.values()].reduce((sum, size) => sum + size, bytes)
}
