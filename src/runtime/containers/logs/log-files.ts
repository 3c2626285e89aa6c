import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { errorCode, failed } from '../../../core/errors.ts'
import { endsLine } from './log-record.ts'

const READ_BYTES = 64 * 1024
/** Whatever was put in the place of a log: a link leads nowhere, and a pipe holds nobody up. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** An open log file: it stays readable when rotation renames or deletes it. */
export interface LogFile {
  readonly handle: FileHandle
  readonly inode: number
}

/** `path` is the newest file, `path.1` the one before it, and so on. */
export function rotatedPath(path: string, index: number): string {
  return index === 0 ? path : `${path}.${index}`
}

/**
 * Opens the log files that are newer than the one given (all, if it is gone or not given), oldest first.
 *
 * Files are opened from the newest on: rotation moves them the same way, so none is missed; one that is met twice is
 * recognised by its inode.
 */
export async function openNewerFiles(path: string, thanInode?: number): Promise<LogFile[]> {
  const found: LogFile[] = []
  for (let index = 0; ; index++) {
    const file = await openFile(rotatedPath(path, index))
    // The newest file is missing for the moment in which conmon puts a new one in its place.
    if (file === undefined && index === 0) continue
    if (file === undefined) return found.reverse()
    if (file.inode === thanInode) {
      await file.handle.close()
      return found.reverse()
    }
    if (found.some(({ inode }) => inode === file.inode)) await file.handle.close()
    else found.push(file)
  }
}

async function openFile(path: string): Promise<LogFile | undefined> {
  try {
    const handle = await open(path, READ)
    const stats = await handle.stat()
    if (stats.isFile()) return { handle, inode: stats.ino }
    await handle.close()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    if (errorCode(error) !== 'ELOOP') throw error
  }
  throw failed('BAD_LOG_FILE', `${path} is no regular file: remove it, or the container`)
}

/** Reads a file in pieces from a position to its present end; returns the position reached. */
export async function* readFrom({ handle }: LogFile, position: number): AsyncGenerator<Buffer, number> {
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position)
    if (bytesRead === 0) return position
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/**
 * Where the last `lines` whole lines begin: an index into `files` (oldest first) and a position in that file.
 * Reads backwards, so the time depends on what is asked for, not on the size of the log.
 */
export async function findTail(files: readonly LogFile[], lines: number): Promise<{ index: number; position: number }> {
  let ended = 0
  let isNewest = true
  for (const [index, file] of [...files.entries()].reverse()) {
    for await (const { line, end } of recordsBackwards(file)) {
      // An unfinished line at the very end counts as one.
      const counts = isNewest || endsLine(line)
      isNewest = false
      if (counts && ended++ === lines) return { index, position: end }
    }
  }
  return { index: 0, position: 0 }
}

const NEWLINE = 0x0a

async function* recordsBackwards({ handle }: LogFile): AsyncGenerator<{ line: Buffer; end: number }> {
  let start = (await handle.stat()).size
  let data: Buffer = Buffer.alloc(0)
  for (;;) {
    // Bytes behind the last newline are a record that is still being written.
    if (data.at(-1) !== NEWLINE) data = data.subarray(0, data.lastIndexOf(NEWLINE) + 1)
    const cut = data.length < 2 ? -1 : data.lastIndexOf(NEWLINE, data.length - 2)
    if (data.length > 0 && (cut >= 0 || start === 0)) {
      yield { line: data.subarray(cut + 1, -1), end: start + data.length }
      data = data.subarray(0, cut + 1)
      continue
    }
    if (start === 0) return
    const length = Math.min(READ_BYTES, start)
    start -= length
    const { buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, start)
    data = Buffer.concat([buffer, data])
  }
}
