import { promisify } from 'node:util'
import { deflateRawSync, gzip } from 'node:zlib'
import { Rooms } from './rooms.ts'
import { WRAPPED_BYTES_MORE, wrapGzip } from './wrap-gzip.ts'

/** So much of the input is one member of the file, packed by itself. */
const BLOCK_BYTES = 1 << 20
/** Members that are packed at the same time: Node has four threads for such work. */
const AT_ONCE = 4
const SAMPLE_BYTES = 16 * 1024
/** Enough to find what comes again in data whose bytes are all equally frequent. */
const REPEATS_BYTES = 4 * 1024
/** A sample that stays above this share is of data that was packed before. */
const PACKED_SHARE = 0.97
/** Speed over size: each level above takes longer for a few hundredths fewer bytes. */
const LEVEL = 1
const OPTIONS = { level: LEVEL, memLevel: 9, chunkSize: BLOCK_BYTES + 4 * 1024 }

const gzipBlock = promisify<Buffer, object, Buffer>(gzip)

interface Member {
  readonly packed: Promise<Buffer>
  /** Memory that is used again once nobody needs what is in it. */
  readonly room: Buffer
  /** Whether that is the member itself. */
  readonly isWrapped: boolean
}

/**
 * Packs bytes as gzip, in members that are made side by side; what cannot be made smaller is only wrapped. Gzip files may have
 * many members (RFC 1952, 2.2). Equal input gives equal output, however it is cut into chunks.
 *
 * Each piece is good until the next but one is asked for: new memory for every piece would cost more than reading it.
 */
export async function* gzipBlocks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const members: Member[] = []
  const [blocks, wrappers] = [new Rooms(BLOCK_BYTES), new Rooms(BLOCK_BYTES + WRAPPED_BYTES_MORE)]
  let lent: Member | undefined
  async function* oldest(): AsyncGenerator<Buffer> {
    const first = members.shift()
    if (first === undefined) return
    yield await first.packed
    if (lent !== undefined) wrappers.giveBack(lent.room)
    lent = first.isWrapped ? first : undefined
    if (!first.isWrapped) blocks.giveBack(first.room)
  }
  try {
    for await (const filled of inBlocks(chunks, blocks)) {
      const member = packBlock(filled, wrappers)
      if (member.isWrapped) blocks.giveBack(filled.room)
      members.push(member)
      if (members.length >= AT_ONCE) yield* oldest()
    }
    while (members.length > 0) yield* oldest()
  } finally {
    // Who stops in between does not hear of the others.
    await Promise.allSettled(members.map(({ packed }) => packed))
  }
}

interface FilledBlock {
  readonly room: Buffer
  readonly block: Buffer
}

function packBlock({ room, block }: FilledBlock, wrappers: Rooms): Member {
  if (wasPacked(block)) {
    const wrapper = wrappers.take()
    return { packed: Promise.resolve(wrapGzip(block, wrapper)), room: wrapper, isWrapped: true }
  }
  const packed = gzipBlock(block, OPTIONS)
  // Heard of when its turn comes, or not at all.
  packed.catch(() => {})
  return { packed, room, isWrapped: false }
}

/** Whether a block does not shrink any more. Looks at how even its bytes are first: packing a sample takes far longer. */
function wasPacked(block: Buffer): boolean {
  const sample = middleOf(block, SAMPLE_BYTES)
  if (bitsPerByte(sample) < 8 * PACKED_SHARE) return false
  const repeats = middleOf(block, REPEATS_BYTES)
  return deflateRawSync(repeats, { level: LEVEL }).length > repeats.length * PACKED_SHARE
}

/** What stands first is often of another kind. */
function middleOf(block: Buffer, bytes: number): Buffer {
  const from = Math.max(0, (block.length - bytes) >> 1)
  return block.subarray(from, from + bytes)
}

/** Shannon's entropy of bytes that come independently of each other. */
function bitsPerByte(bytes: Buffer): number {
  const counts = new Uint32Array(256)
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1
  return counts.reduce(
    (bits, count) => (count === 0 ? bits : bits - (count / bytes.length) * Math.log2(count / bytes.length)),
    0,
  )
}

/** Blocks of one size, but for the last; one empty block if there is nothing. */
async function* inBlocks(chunks: AsyncIterable<Buffer>, blocks: Rooms): AsyncGenerator<FilledBlock> {
  let room = blocks.take()
  let filled = 0
  let isFirst = true
  for await (const chunk of chunks) {
    for (let done = 0; done < chunk.length; ) {
      const count = chunk.copy(room, filled, done)
      done += count
      filled += count
      if (filled < BLOCK_BYTES) continue
      yield { room, block: room }
      isFirst = false
      room = blocks.take()
      filled = 0
    }
  }
  if (filled > 0 || isFirst) yield { room, block: room.subarray(0, filled) }
}
