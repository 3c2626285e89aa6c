import { join } from 'node:path'
import { invalidInput } from '../../../../core/errors.ts'
import type { Contents, FileSpec } from '../../../../core/model/service.ts'
import { type ParcelEntry, unpackParcel } from '../../../../core/parcel.ts'
import type { Written } from '../one-engine/service-content.ts'

const GRANT_MODE = 0o444

/**
 * The secrets, configs and relative bind mounts of a service, to be written into a container that no node keeps as a task: nothing
 * on the hosts would take away what is mounted. Throws for what did not come with the project. Pure.
 */
export function packedFiles(files: readonly FileSpec[], contents: Contents = {}): readonly Written[] {
  return files.flatMap(file => {
    const packed = contents[file.id]
    if (packed === undefined) throw invalidInput('FILES_GONE', `The ${file.kind} ${file.name} was not read`)
    return unpackParcel(Buffer.from(packed, 'base64')).map(entry => writtenOf(entry, file))
  })
}

function writtenOf(entry: ParcelEntry, { kind, target, uid = 0, gid = 0, mode = GRANT_MODE }: FileSpec): Written {
  const place = join(target, entry.path)
  switch (entry.kind) {
    case 'link':
      return { target: place, link: entry.target, mode: 0o777, uid: 0, gid: 0 }
    case 'directory':
      return { target: place, mode: entry.mode, uid: 0, gid: 0 }
    case 'file':
      return kind === 'snapshot'
        ? { target: place, data: entry.data, mode: entry.mode, uid: 0, gid: 0 }
        : { target: place, data: entry.data, mode, uid, gid }
  }
}
