import { parseImageReference } from '../../core/image-reference.ts'

/** A reference as the API takes it: a name, and a tag or digest apart. Throws BAD_IMAGE_NAME. */
export function splitReference(text: string): { readonly name: string; readonly tag?: string } {
  const { tag, digest } = parseImageReference(text)
  const suffix = digest ?? tag
  if (suffix === undefined) return { name: text }
  const [name = ''] = digest === undefined ? [text.slice(0, -suffix.length - 1)] : text.split('@')
  return { name: digest !== undefined && tag !== undefined ? name.slice(0, -tag.length - 1) : name, tag: suffix }
}
