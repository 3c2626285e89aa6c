import { readFile } from 'node:fs/promises'
import { errorCode } from '../../../core/errors.ts'

/** Reads a file; undefined if there is none. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
