import { type FileHandle, open, rm } from 'node:fs/promises'
import { conflict, errorCode, failed } from '../../../core/errors.ts'
import { whyNot } from '../../output/file-error.ts'

/**
 * Writes a new container's id to a file, which is claimed before there is a container, so that none is made whose id
 * cannot be kept. Without a container there is no file.
 */
export async function withCidFile(path: string | undefined, create: () => Promise<string>): Promise<string> {
  if (path === undefined || path === '') return create()
  const file = await claim(path)
  try {
    const id = await create()
    await file.writeFile(id)
    return id
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

async function claim(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx')
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') {
      const advice = `make sure the other container isn't running or delete ${path}`
      throw conflict('CID_FILE_EXISTS', `container ID file found, ${advice}`)
    }
    throw failed('CID_FILE', `failed to create the container ID file: open ${path}: ${whyNot(cause)}`)
  }
}
