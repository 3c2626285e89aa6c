import { readlinkSync } from 'node:fs'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import { type HeldDirectory, holdInside } from './fd-path.ts'

/** As many links as the kernel itself follows. */
const LINKS_MAX = 40

/**
 * The components below a root that a path comes to when its links are followed as a process with that root would; those
 * that lead to nothing, too, and whatever is missing stays as it is. Only right while nobody changes the tree.
 */
export function whereLinksLead(root: HeldDirectory, path: string): readonly string[] {
  const left = path.split('/').reverse()
  let place: string[] = []
  for (let links = 0; left.length > 0; ) {
    const name = left.pop() ?? ''
    if (name === '' || name === '.') continue
    if (name === '..') {
      place.pop()
      continue
    }
    const target = linkAt(root, place, name)
    if (target === undefined) {
      place.push(name)
      continue
    }
    if (++links > LINKS_MAX) throw invalidInput('LINK_LOOP', `The links at "${path}" lead in a circle: remove them`)
    if (target.startsWith('/')) place = []
    left.push(...target.split('/').reverse())
  }
  return place
}

/** What a link says; undefined for anything else, and for nothing. */
function linkAt(root: HeldDirectory, place: readonly string[], name: string): string | undefined {
  try {
    using parent = holdInside(root, place.join('/'))
    return readlinkSync(`${parent.path}/${name}`)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EINVAL'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}
