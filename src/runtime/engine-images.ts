import { unsupported } from '../core/errors.ts'
import type { ImageOperations } from '../docker-api/index.ts'
import type { EventBus } from './events/index.ts'
import type { ImageStore } from './images/index.ts'

/** The image operations of the engine: those of the image room and the builder, with events. */
export function engineImages(
  images: ImageStore['images'],
  build: ImageOperations['build'],
  events: EventBus,
): ImageOperations {
  const tell = (action: string, id: string, name = id): void =>
    events.emit('image', action, { ID: id, Attributes: { name } })
  return {
    ...images,
    history: missing,
    prune: missing,
    import: missing,
    search: missing,
    distribution: missing,
    login: missing,
    build,
    pruneBuildCache: missing,
    pull: async (reference, options, signal) => {
      const id = await images.pull(reference, options, signal)
      tell('pull', reference)
      return id
    },
    push: async (reference, options, signal) => {
      await images.push(reference, options, signal)
      tell('push', reference)
    },
    tag: async (reference, target) => {
      await images.tag(reference, target)
      tell('tag', reference, target)
    },
    remove: async (reference, options) => {
      const done = await images.remove(reference, options)
      for (const { Untagged, Deleted } of done) {
        if (Untagged !== undefined) tell('untag', Untagged)
        if (Deleted !== undefined) tell('delete', Deleted)
      }
      return done
    },
    load: async (archive, signal) => {
      const loaded = await images.load(archive, signal)
      for (const reference of loaded) tell('load', reference)
      return loaded
    },
  }
}

function missing(): Promise<never> {
  return Promise.reject(unsupported('NOT_YET', 'This engine does not do that yet'))
}
