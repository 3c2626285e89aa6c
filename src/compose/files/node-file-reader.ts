import { readFileSync, realpathSync, statSync } from 'node:fs'
import { errorCode, failed } from '../../core/errors.ts'
import type { FileReader } from './file-reader.ts'

/** Reads from the disk. */
export const nodeFileReader: FileReader = {
  read(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
      throw failed('UNREADABLE_FILE', `Cannot read ${path}: ${errorCode(error) ?? 'unknown reason'}`, { cause: error })
    }
  },
  kind(path) {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    return stat.isDirectory() ? 'directory' : 'file'
  },
  realPath(path) {
    try {
      return realpathSync(path)
    } catch {
      return path
    }
  },
}
