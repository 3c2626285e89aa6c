import { promisify } from 'node:util'
import { constants, deflateRaw, gzip } from 'node:zlib'

/** So much of the input is one member of the file, packed by itself. */
const BLOCK_BYTES = 1 << 20
/** Members that are packed at the same time: Node has four threads for such work. */
const AT_ONCE = 4
const SAMPLE_BYTES = 16 * 1024
/** A sample that stays above this share is of data that was packed before. */
const PACKED_SHARE = 0.97
/** Speed over size: each level above takes longer for a few hundredths fewer bytes. */
const LEVEL = 1
const OPTIONS = { memLevel: 9, chunkSize: BLOCK_BYTES + 4 * 1024 }

const gzipBlock = promisify<Buffer, object, Buffer>(gzip)
const deflateSample = promisify<Buffer, object, Buffer>(deflateRaw)

/**
 * Packs bytes as gzip, in members that are made side by side; what cannot be made smaller is only wrapped. Gzip files may have
 * many members (RFC 1952, 2.2). Equal input gives equal output, however it is cut into chunks.
 */
export async function* gzipBlocks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const packing: { readonly block: Buffer; readonly packed: Promise<Buffer> }[] = []
  // What was packed makes room for what comes: new memory for every block would cost more than reading it.
  const spare: Buffer[] = []
  async function* oldest(): AsyncGenerator<Buffer> {
    const first = packing.shift()
    if (first === undefined) return
    yield await first.packed
    spare.push(first.block)
  }
  try {
    for await (const block of inBlocks(chunks, () => spare.pop() ?? Buffer.allocUnsafe(BLOCK_BYTES))) {
      const packed = packBlock(block)
      // Heard of when its turn comes, or not at all.
      packed.catch(() => {})
      packing.push({ block, packed })
      if (packing.length >= AT_ONCE) yield* oldest()
    }
    while (packing.length > 0) yield* oldest()
  } finally {
    // Who stops in between does not hear of the others.
    await Promise.allSettled(packing.map(({ packed }) => packed))
  }
}

async function packBlock(block: Buffer): Promise<Buffer> {
  // From the middle: what stands first is often of another kind.
  const from = Math.max(0, (block.length - SAMPLE_BYTES) >> 1)
  const sample = block.subarray(from, from + SAMPLE_BYTES)
  const isPacked = (await deflateSample(sample, { level: LEVEL })).length > sample.length * PACKED_SHARE
  return gzipBlock(block, { ...OPTIONS, level: isPacked ? constants.Z_NO_COMPRESSION : LEVEL })
}

/** Blocks of one size, but for the last; one empty block if there is nothing. */
async function* inBlocks(chunks: AsyncIterable<Buffer>, allocate: () => Buffer): AsyncGenerator<Buffer> {
  let block = allocate()
  let filled = 0
  let isFirst = true
  for await (const chunk of chunks) {
    for (let done = 0; done < chunk.length; ) {
      const count = chunk.copy(block, filled, done)
      done += count
      filled += count
      if (filled < BLOCK_BYTES) continue
      yield block
      isFirst = false
      block = allocate()
      filled = 0
    }
  }
  if (filled > 0 || isFirst) yield block.subarray(0, filled)
}
