import { familiarImageName, parseImageReference } from '../../core/image-reference.ts'
import type { ImageStorePorts } from './contract.ts'
import type { StoreParts } from './store/store-parts.ts'

/** Docker's events of images. */
export interface ImageEvents {
  /** An image was pulled or pushed under a name. */
  readonly transferred: (
    action: 'pull' | 'push',
    reference: string,
    options: { readonly allTags?: boolean | undefined },
  ) => Promise<void>
  /** Something happened to an image that is still there. `name` is the one that was given; absent: its id. */
  readonly changed: (action: 'tag' | 'untag' | 'load' | 'import' | 'save', id: string, name?: string) => Promise<void>
  readonly deleted: (id: string) => void
  readonly pruned: (bytes: number) => void
}

export function imageEvents(parts: StoreParts, emit: ImageStorePorts['emit'] = () => {}): ImageEvents {
  const labelsOf = async (id: string): Promise<Readonly<Record<string, string>>> =>
    parts.catalog.get(id) === undefined ? {} : ((await parts.catalog.config(id)).config?.Labels ?? {})
  return {
    async transferred(action, reference, { allTags = false }) {
      const parsed = parseImageReference(reference)
      const tagged = familiarImageName(parsed)
      const name = tagged.replace(/[:@][^/]*$/, '')
      const isWhole = allTags && parsed.tag === undefined && parsed.digest === undefined
      const id = isWhole ? undefined : parts.catalog.lookUp(reference)?.id
      emit(action, isWhole ? name : tagged, { ...(id === undefined ? {} : await labelsOf(id)), name })
    },
    async changed(action, id, name = id) {
      emit(action, id, { ...(await labelsOf(id)), name })
    },
    deleted: id => emit('delete', id, { name: id }),
    pruned: bytes => emit('prune', '', { reclaimed: String(bytes) }),
  }
}
