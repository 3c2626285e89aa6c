import { readFile } from 'node:fs/promises'
import { errorCode, errorMessage, failed } from '../../core/errors.ts'

/** What looking at a path gives; undefined: nothing is there. Throws STORE_READ. */
export async function ifThere<T>(path: string, look: (path: string) => Promise<T>): Promise<T | undefined> {
  try {
    return await look(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw failed('STORE_READ', `Cannot read ${path}: ${errorMessage(error)}`, { cause: error })
  }
}

/** The text of a file; undefined: there is none. Throws STORE_READ. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return ifThere(path, file => readFile(file, 'utf8'))
}
