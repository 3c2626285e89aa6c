import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Which build of the program a checkout has; empty if it runs from its sources. Names of chunks hold their content's hash. */
export async function programBuild(checkout: string): Promise<string> {
  try {
    const chunks = await readdir(join(checkout, 'dist', 'chunks'))
    const entry = await readFile(join(checkout, 'dist', 'main', 'cli.js'))
    return createHash('sha256').update(chunks.toSorted().join('\n')).update(entry).digest('hex')
  } catch {
    return ''
  }
}
