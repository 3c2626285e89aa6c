import { invalidInput } from '../../../core/errors.ts'

/** What an entry of a layer means for the layers below it. */
export type LayerMeaning =
  | { readonly kind: 'add' }
  /** Hides a name of the layers below. */
  | { readonly kind: 'hide'; readonly name: string }
  /** Hides everything the layers below have in the entry's directory. */
  | { readonly kind: 'opaque' }
  /** Bookkeeping of an old storage driver. */
  | { readonly kind: 'skip' }

export const WHITEOUT_PREFIX = '.wh.'
export const OPAQUE_NAME = '.wh..wh..opq'
/** The attribute by which overlayfs knows an opaque directory. */
export const OPAQUE_XATTR = 'trusted.overlay.opaque'

/** Reads the last component of an entry's name. Source: OCI image specification, layer filesystem changeset. */
export function layerMeaning(name: string): LayerMeaning {
  if (!name.startsWith(WHITEOUT_PREFIX)) return { kind: 'add' }
  if (name === OPAQUE_NAME) return { kind: 'opaque' }
  if (name.startsWith('.wh..wh.')) return { kind: 'skip' }
  const hidden = name.slice(WHITEOUT_PREFIX.length)
  if (['', '.', '..'].includes(hidden)) {
    throw invalidInput('BAD_ENTRY', `The archive is refused: its entry "${name}" deletes no name`)
  }
  return { kind: 'hide', name: hidden }
}
