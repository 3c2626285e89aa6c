import {
  BLOCK_BYTES,
  badTar,
  decodeName,
  parseHeader,
  parsePax,
  type RawHeader,
  type TarEntry,
  toEntry,
} from './header.ts'

/** Called for each entry in order. All synchronous: unpacking is file system calls that each take microseconds. */
export interface TarHandler {
  readonly entry: (entry: TarEntry) => void
  /** A piece of the current file's content. The buffer is only valid during the call. */
  readonly data: (chunk: Buffer) => void
  /** The current file's content is complete; called for files only, empty ones included. */
  readonly end: () => void
}

/** Go's and our limit for names and extended attributes of one entry. */
const META_BYTES_MAX = 1 << 20

/**
 * Reads a tar archive that is pushed into it: ustar, pax and GNU long names.
 *
 * Written here rather than taken from a package because names and extended attributes must stay exact bytes (file
 * capabilities are not text), a cut-off archive must be told from a whole one, and layers have tens of thousands of
 * small files: one synchronous pass over each chunk, no stream object for each entry.
 */
export class TarReader {
  readonly #handler: TarHandler
  #rest: Buffer = Buffer.alloc(0)
  /** Bytes of content, then of padding, still to come. */
  #bodyLeft = 0
  #paddingLeft = 0
  #inFile = false
  /** A pax or GNU block whose content is being collected. */
  #meta: RawHeader | undefined
  #metaChunks: Buffer[] = []
  #pax = new Map<string, Buffer>()

  constructor(handler: TarHandler) {
    this.#handler = handler
  }

  write(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = Buffer.alloc(0)
    while (data.length > 0) {
      if (this.#bodyLeft > 0 || this.#paddingLeft > 0) {
        data = this.#content(data)
        continue
      }
      if (data.length < BLOCK_BYTES) {
        this.#rest = Buffer.from(data)
        return
      }
      const header = parseHeader(data.subarray(0, BLOCK_BYTES))
      data = data.subarray(BLOCK_BYTES)
      if (header !== undefined) this.#begin(header)
    }
  }

  /** Throws BAD_TAR if the archive stopped in the middle of an entry. */
  finish(): void {
    if (this.#bodyLeft > 0 || this.#paddingLeft > 0 || this.#rest.length > 0 || this.#pax.size > 0) {
      throw badTar('it is cut off in the middle of an entry')
    }
  }

  #begin(header: RawHeader): void {
    if ('xgLK'.includes(header.flag)) {
      if (header.size > META_BYTES_MAX) throw badTar(`an extended header has more than ${META_BYTES_MAX} bytes`)
      this.#meta = header
      this.#metaChunks = []
      this.#expect(header.size)
      if (header.size === 0) this.#endMeta(header)
      return
    }
    const entry = toEntry(header, this.#pax)
    this.#pax = new Map()
    this.#handler.entry(entry)
    // Content after a link or a directory is what old writers left there: it is passed over.
    this.#inFile = entry.type === 'file'
    this.#expect(this.#inFile ? entry.size : entry.type === 'hardlink' ? 0 : header.size)
    if (this.#inFile && entry.size === 0) this.#endFile()
  }

  #expect(size: number): void {
    this.#bodyLeft = size
    this.#paddingLeft = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES
  }

  #content(data: Buffer): Buffer {
    if (this.#bodyLeft === 0) {
      const skipped = Math.min(this.#paddingLeft, data.length)
      this.#paddingLeft -= skipped
      return data.subarray(skipped)
    }
    const piece = data.subarray(0, this.#bodyLeft)
    this.#bodyLeft -= piece.length
    if (this.#meta !== undefined) {
      this.#metaChunks.push(Buffer.from(piece))
      if (this.#bodyLeft === 0) this.#endMeta(this.#meta)
    } else if (this.#inFile) {
      this.#handler.data(piece)
      if (this.#bodyLeft === 0) this.#endFile()
    }
    return data.subarray(piece.length)
  }

  #endFile(): void {
    this.#inFile = false
    this.#handler.end()
  }

  #endMeta({ flag }: RawHeader): void {
    const content = Buffer.concat(this.#metaChunks)
    this.#meta = undefined
    this.#metaChunks = []
    switch (flag) {
      case 'x':
        for (const [key, value] of parsePax(content)) this.#pax.set(key, value)
        break
      case 'L':
        this.#pax.set('path', Buffer.from(decodeName(content)))
        break
      case 'K':
        this.#pax.set('linkpath', Buffer.from(decodeName(content)))
        break
      default:
      // A global header speaks of the archive (git's commit id), never of a file we would unpack.
    }
  }
}
