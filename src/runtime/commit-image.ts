import type { Clock } from '../core/clock.ts'
import { applyChanges } from './build/index.ts'
import type { ImageStore } from './images/index.ts'
import type { ImageCommits } from './ports.ts'

/** Makes images of containers: the image each was made from, and what it changed as one more layer. */
export function imageCommits(
  store: ImageStore,
  { clock, engineVersion }: { readonly clock: Clock; readonly engineVersion: string },
): ImageCommits {
  return {
    applyChanges,
    async commit({ containerId, imageId, config, containerConfig, name, createdBy, comment, author, changed, skips }) {
      const base = await store.describe(imageId)
      const directory = await store.roots.changes(containerId)
      const layers = changed
        ? [await store.addLayer({ directory, kind: 'upper', live: true, skips, packLater: true })]
        : []
      const createdMs = clock.nowMs()
      const entry = {
        created: new Date(createdMs).toISOString(),
        created_by: createdBy,
        ...(changed ? {} : { empty_layer: true }),
        ...(comment === undefined ? {} : { comment }),
        ...(author === undefined ? {} : { author }),
      }
      const id = await store.createImage({
        layers: [...base.layers, ...layers],
        config,
        history: [...(base.history ?? []), entry],
        createdMs,
        parent: base.id,
        tags: [],
        origin: { engineVersion, containerId, containerConfig },
        ...(author === undefined ? {} : { author }),
      })
      if (name !== undefined) await store.images.tag(id, name)
      return id
    },
  }
}
