import { failed } from '../../core/errors.ts'
import type { ImageSummary } from '../resource-types.ts'

/** Engines are not trusted to answer with what was asked for: things that have this text. Throws BAD_ANSWER. */
export function checkedThings<K extends string, T extends Readonly<Record<K, string>>>(
  listed: readonly T[],
  key: K,
): readonly T[] {
  const isList = Array.isArray(listed) && listed.every(each => typeof (each as Partial<T> | null)?.[key] === 'string')
  if (!isList) throw failed('BAD_ANSWER', 'The engine answered with something that is no list of what was asked for')
  return listed
}

/** Images whose names can be searched and whose times can be compared. Throws BAD_ANSWER. */
export function checkedImages(listed: readonly ImageSummary[]): readonly ImageSummary[] {
  return checkedThings(listed, 'Id').map(image => ({
    ...image,
    RepoTags: texts(image.RepoTags),
    RepoDigests: texts(image.RepoDigests),
    Created: Number.isFinite(image.Created) ? image.Created : 0,
  }))
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter(each => typeof each === 'string') : []
}
