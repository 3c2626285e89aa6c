import { Pacer } from '../../../core/pacer.ts'
import { TarReader } from './reader.ts'
import { TreeWriter } from './tree-writer.ts'
import { LAYER_LIMITS } from './unpack-error.ts'

/** Of a small file, which comes in one piece: it is made, written, and given owner, mode and time. */
const PIECE_WORK = 4

export interface UnpackingAlong {
  /** The archive's bytes as they come; each is unpacked before it is passed on. */
  readonly chunks: AsyncGenerator<Buffer>
  /** Bytes of the files unpacked so far. */
  readonly contentBytes: () => number
}

/** Unpacks a layer's archive below a directory while somebody else reads it. Throws what unpackArchive throws. */
export function unpackingAlong(archive: AsyncIterable<Buffer>, directory: string): UnpackingAlong {
  let contentBytes = 0
  async function* chunks(): AsyncGenerator<Buffer> {
    using writer = new TreeWriter(directory, { limits: LAYER_LIMITS, whiteouts: true })
    const reader = new TarReader(writer)
    const pacer = new Pacer()
    for await (const chunk of archive) {
      reader.write(chunk)
      yield chunk
      await pacer.step(PIECE_WORK)
    }
    reader.finish()
    writer.finish()
    contentBytes = writer.contentBytes
  }
  return { chunks: chunks(), contentBytes: () => contentBytes }
}
