import { unsupported } from '../../core/errors.ts'
import { parseImageReference } from '../../core/image-reference.ts'
import { importImage } from './archive/import.ts'
import { loadImages } from './archive/load.ts'
import { saveImages } from './archive/save.ts'
import type { ImageStoreOptions, ImageStorePorts, StoredImageOperations } from './contract.ts'
import { checkPlatform, hostPlatform, parsePlatform } from './format/platform.ts'
import { imageEvents } from './image-events.ts'
import { imageHistory, inspectImage } from './listing/inspect.ts'
import { listImages } from './listing/list.ts'
import { pruneImages, type RemovePorts, removeImage } from './listing/remove.ts'
import { inspectRemote } from './registry/distribution.ts'
import type { RegistryOptions } from './registry/endpoints.ts'
import { login } from './registry/login.ts'
import { searchImages } from './registry/search.ts'
import { TrustStore } from './registry/trust-store.ts'
import { familiar, newTagName } from './store/image-catalog.ts'
import type { StoreParts } from './store/store-parts.ts'
import { pullImage } from './transfer/pull.ts'
import { pushImage } from './transfer/push.ts'

/** Docker's place for certificates of registries. */
const CERTIFICATES = '/etc/docker/certs.d'

export interface OperationPorts extends Omit<RemovePorts, 'events'>, Pick<ImageStorePorts, 'applyChanges' | 'emit'> {
  readonly options: ImageStoreOptions
}

/** The Engine's image operations on one store. */
export function imageOperations(
  parts: StoreParts,
  { options, applyChanges = refuseChanges, emit, usersOf, usedByRoots }: OperationPorts,
): StoredImageOperations {
  const trust = new TrustStore(options.registryCertificates ?? CERTIFICATES)
  const registryNow = (): RegistryOptions => ({ ...options, ...options.registries?.(), trust, clock: parts.clock })
  const events = imageEvents(parts, emit)
  const removing = { usersOf, usedByRoots, events }
  const quiet = (): void => {}
  return {
    pull: async (reference, { auth, onProgress = quiet, platform, allTags }, signal) => {
      const wanted = platform === undefined ? hostPlatform() : parsePlatform(platform)
      const id = await pullImage(parts, reference, {
        registry: registryNow(),
        auth,
        onProgress,
        signal,
        platform: wanted,
        allTags,
      })
      await events.transferred('pull', reference, { allTags })
      return id
    },
    push: async (reference, { auth, onProgress = quiet, allTags, platform }, signal) => {
      if (platform !== undefined) {
        const config = await parts.catalog.config(parts.catalog.find(reference).id)
        checkPlatform(reference, config, parsePlatform(platform))
      }
      await pushImage(parts, reference, { registry: registryNow(), auth, onProgress, signal, allTags })
      await events.transferred('push', reference, { allTags })
    },
    list: wanted => listImages(parts, wanted),
    inspect: reference => inspectImage(parts, reference),
    history: reference => imageHistory(parts, reference),
    tag: async (reference, target) => {
      const { id } = parts.catalog.find(reference)
      const name = newTagName(parseImageReference(target))
      await parts.catalog.changeNames(names => void names.set(name, id))
      await events.changed('tag', id, familiar(name))
    },
    remove: (reference, { force, noprune }) => removeImage(parts, reference, { force, noprune, ...removing }),
    prune: ({ filters = {} }) => pruneImages(parts, filters, removing),
    save: async references => {
      const archive = saveImages(parts, references)
      const ids = new Set(references.map(reference => parts.catalog.find(reference).id))
      for (const id of ids) await events.changed('save', id)
      return archive
    },
    load: (archive, signal, { onProgress = quiet } = {}) => loadImages(parts, archive, { onProgress, signal, events }),
    import: async (source, wanted, signal) => {
      const id = await importImage(parts, source, { ...wanted, trust, applyChanges, signal })
      if (wanted.name !== undefined) await events.changed('tag', id, wanted.name)
      await events.changed('import', id)
      return id
    },
    search: (term, wanted, signal) => searchImages(term, wanted, { registry: registryNow(), signal }),
    distribution: (reference, { auth }, signal) => inspectRemote(reference, { registry: registryNow(), auth, signal }),
    login: (auth, signal) => login(auth, { registry: registryNow(), signal }),
  }
}

function refuseChanges(config: object, changes: readonly string[]): object {
  if (changes.length === 0) return config
  throw unsupported('NO_CHANGES', 'This store cannot apply Dockerfile instructions: import without them')
}
