import { lstatSync, mkdirSync, readlinkSync } from 'node:fs'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import { type HeldDirectory, holdInside } from '../../linux/files/fd-path.ts'

/** As the kernel's own limit. */
const LINKS_MAX = 40

/** Called for each new directory; the last one is the one that was asked for. */
type OnMade = (path: string, isLast: boolean) => void

/** A path below a root being resolved: real directories so far, and what is still to be looked at. */
interface Way {
  readonly place: string[]
  rest: string[]
  links: number
}

/**
 * Makes a directory below a root, following its links as a process in that root would: also those that lead to something
 * that is not there yet. Resolves to its place, without links. Throws NOT_A_DIRECTORY.
 */
export function makePath(root: HeldDirectory, components: readonly string[], onMade: OnMade = () => {}): string[] {
  return walk(root, { place: [], rest: [...components], links: 0 }, onMade)
}

/** The place of a file below a root: links are followed, and the directories on the way are made. */
export function placeOfFile(root: HeldDirectory, components: readonly string[], onMade: OnMade): string[] {
  const way: Way = { place: [], rest: [...components], links: 0 }
  for (;;) {
    const name = way.rest.pop()
    walk(root, way, onMade)
    if (name === undefined || name === '..') throw notDirectory(components)
    using parent = holdInside(root, way.place.join('/'))
    if (typeOf(`${parent.path}/${name}`) !== 'link') return [...way.place, name]
    follow(way, readlinkSync(`${parent.path}/${name}`), components)
  }
}

function walk(root: HeldDirectory, way: Way, onMade: OnMade): string[] {
  const asked = [...way.rest]
  for (let name = way.rest.shift(); name !== undefined; name = way.rest.shift()) {
    if (name === '..') {
      way.place.pop()
      continue
    }
    using parent = holdInside(root, way.place.join('/'))
    const path = `${parent.path}/${name}`
    const type = typeOf(path)
    if (type === 'link') {
      follow(way, readlinkSync(path), asked)
      continue
    }
    if (type === 'other') throw notDirectory(asked)
    if (type === undefined) {
      mkdirSync(path, 0o755)
      onMade(path, way.rest.length === 0)
    }
    way.place.push(name)
  }
  return way.place
}

function follow(way: Way, target: string, asked: readonly string[]): void {
  if (++way.links > LINKS_MAX) throw notDirectory(asked)
  if (target.startsWith('/')) way.place.length = 0
  way.rest = [...target.split('/').filter(part => part !== '' && part !== '.'), ...way.rest]
}

function typeOf(path: string): 'directory' | 'link' | 'other' | undefined {
  try {
    const stats = lstatSync(path)
    if (stats.isSymbolicLink()) return 'link'
    return stats.isDirectory() ? 'directory' : 'other'
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function notDirectory(components: readonly string[]): Error {
  return invalidInput('NOT_A_DIRECTORY', `/${components.join('/')}: not a directory`)
}
