/** A file or folder of an archive, by its path without a leading slash. */
export interface CpioEntry {
  readonly path: string
  readonly mode: number
  /** Absent: a folder. */
  readonly content?: Buffer
}

const FOLDER = 0o040_000
const FILE = 0o100_000
const HEADER_BYTES = 110
const ALIGN_BYTES = 4
const TRAILER = 'TRAILER!!!'

/**
 * An archive that Linux unpacks as (or on top of) its initial file system: format "newc" of cpio, as the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst has it. Several may stand one behind the other. Everything in it
 * belongs to root. Folders stand before what is in them.
 */
export function packCpio(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap(({ path, mode, content }, index) =>
    packEntry(path, { mode: mode | (content === undefined ? FOLDER : FILE), inode: index + 1, content }),
  )
  return Buffer.concat([...parts, ...packEntry(TRAILER, { mode: 0, inode: 0 })])
}

/** Fills up with zeroes, so that another archive may follow. */
export function padToWord(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (ALIGN_BYTES - 1))])
}

interface EntryHead {
  readonly mode: number
  readonly inode: number
  readonly content?: Buffer | undefined
}

function packEntry(path: string, { mode, inode, content = Buffer.alloc(0) }: EntryHead): Buffer[] {
  const name = Buffer.from(`${path}\0`)
  const [uid, gid, links, mtime, device, check] = [0, 0, 1, 0, 0, 0]
  const fields = [
    inode,
    mode,
    uid,
    gid,
    links,
    mtime,
    content.length,
    device,
    device,
    device,
    device,
    name.length,
    check,
  ]
  const header = `070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}`
  const head = Buffer.concat([Buffer.from(header, 'latin1'), name])
  return [Buffer.concat([head, Buffer.alloc(-(HEADER_BYTES + name.length) & (ALIGN_BYTES - 1))]), padToWord(content)]
}
