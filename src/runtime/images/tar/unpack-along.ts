import { Pacer } from '../../../core/pacer.ts'
import { TarReader } from './reader.ts'
import { TreeWriter } from './tree-writer.ts'
import { LAYER_LIMITS } from './unpack-error.ts'

/** Of a small file: it is made, written, and given owner, mode and time. */
const ENTRY_WORK = 4
/** Some dozens of small files at most. */
const SLICE_BYTES = 16 * 1024

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
      for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
        const before = writer.entries
        reader.write(chunk.subarray(at, at + SLICE_BYTES))
        await pacer.step(1 + ENTRY_WORK * (writer.entries - before))
      }
      yield chunk
    }
    reader.finish()
    writer.finish()
    contentBytes = writer.contentBytes
  }
  return { chunks: chunks(), contentBytes: () => contentBytes }
}
