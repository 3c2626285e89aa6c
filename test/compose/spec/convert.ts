import { posix } from 'node:path'
import { type LoadOptions, type TreeReader, toProjectSpec } from '../../../src/compose/index.ts'
import type { ParcelEntry } from '../../../src/core/parcel.ts'
import { DIRECTORY, type Files, load } from '../load.ts'

/** Reads a disk in memory, for what is shipped to the hosts; a file without text stands for an empty directory. */
function memoryTree(files: Files): TreeReader {
  const disk = Object.entries(files).map(([path, text]) => [posix.resolve(DIRECTORY, path), text] as const)
  const file = (path: string, text: string): ParcelEntry => ({
    path,
    kind: 'file',
    mode: 0o644,
    data: Buffer.from(text),
  })
  return root => {
    const own = disk.find(([path]) => path === root)
    if (own !== undefined) return own[1] === '' ? [{ path: '', kind: 'directory', mode: 0o755 }] : [file('', own[1])]
    const below = disk.filter(([path]) => path.startsWith(`${root}/`))
    if (below.length === 0) return undefined
    const inside = below.map(([path, text]) => file(path.slice(root.length + 1), text))
    return [{ path: '', kind: 'directory', mode: 0o755 }, ...inside]
  }
}

/** What the manager is asked for, of `compose.yaml` in a project with these other files. */
export function convert(yaml: string, files: Files = {}, options: Partial<LoadOptions> = {}) {
  return toProjectSpec(load({ ...files, 'compose.yaml': yaml }, options), memoryTree(files))
}
