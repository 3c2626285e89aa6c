import { readdirSync } from 'node:fs'
import { failed } from '../../../core/errors.ts'
import type { HeldDirectory } from './fd-path.ts'

/**
 * The names in a directory, sorted. Throws NAME_NOT_UTF8 for one that is not text: archives and the API carry names as
 * UTF-8, and a changed name would be worse than a clear no.
 */
export function entryNames(directory: HeldDirectory): string[] {
  const names = readdirSync(directory.path, { encoding: 'buffer' }).map(bytes => {
    const name = bytes.toString('utf8')
    if (name.includes('\uFFFD') && !Buffer.from(name).equals(bytes)) {
      throw failed('NAME_NOT_UTF8', `The name ${JSON.stringify(name)} of a file is not UTF-8: rename the file`)
    }
    return name
  })
  return names.sort()
}
