import { posix } from 'node:path'

/** An absolute path without `.`, `..` and doubled slashes, as words alone: no link is looked at. Never above `/`. */
export function cleanPath(path: string): string {
  return posix.resolve('/', path)
}
