import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { errorCode } from '../../core/errors.ts'
import { decompressor, isTarHeader } from '../images/index.ts'

const TAR_BLOCK = 512

/** Whether a file is a tar archive, packed or not: its first block tells by its checksum. The stream is used up. */
export async function isArchive(file: Readable): Promise<boolean> {
  let head = Buffer.alloc(0)
  try {
    const { stream } = await decompressor(file)
    await pipeline(stream, async chunks => {
      for await (const chunk of chunks) {
        head = Buffer.concat([head, chunk as Buffer])
        if (head.length >= TAR_BLOCK) return
      }
    })
  } catch (error) {
    // Something else that only begins like a packed file; a missing program is no reason to take it for one.
    if (errorCode(error) === 'PROGRAM_MISSING') throw error
  } finally {
    file.destroy()
  }
  return isTarHeader(head.subarray(0, TAR_BLOCK))
}
