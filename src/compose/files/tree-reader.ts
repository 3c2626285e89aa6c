import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { errorCode, invalidInput } from '../../core/errors.ts'
import type { ParcelEntry } from '../../core/parcel.ts'

/**
 * Reads a file, or a directory with all that is below it, for hosts that do not have it; undefined if there is nothing.
 * Throws TOO_LARGE beyond `bytesMax`, NOT_A_FILE for sockets and devices, UNREADABLE_FILE. Synchronous, as the loader is.
 */
export type TreeReader = (path: string, bytesMax: number) => readonly ParcelEntry[] | undefined

const ENTRIES_MAX = 5_000

/** Reads from the disk. */
export const nodeTreeReader: TreeReader = (root, bytesMax) => {
  try {
    // What a link at the root leads to is meant; links below are kept as they are.
    if (!statSync(root).isDirectory()) return [readOne(root, '', { left: bytesMax, root, followed: true })]
    return readDirectory(root, { left: bytesMax, root, followed: false })
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === 'EACCES' || code === 'EPERM') {
      throw invalidInput('UNREADABLE_FILE', `${root} cannot be read: ${code}`, { cause: error })
    }
    throw error
  }
}

interface Reading {
  readonly root: string
  /** Whether a link is read as what it leads to. */
  readonly followed: boolean
  /** Bytes that may still be read. */
  left: number
}

function readDirectory(root: string, reading: Reading): ParcelEntry[] {
  const entries: ParcelEntry[] = []
  const waiting = ['']
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const full = path === '' ? root : `${root}/${path}`
    entries.push({ path, kind: 'directory', mode: statSync(full).mode & 0o7777 })
    for (const child of readdirSync(full, { withFileTypes: true })) {
      const below = path === '' ? child.name : `${path}/${child.name}`
      if (child.isDirectory()) waiting.push(below)
      else entries.push(readOne(`${root}/${below}`, below, reading))
      if (entries.length > ENTRIES_MAX) throw tooLarge(root, `it has more than ${ENTRIES_MAX} files`)
    }
  }
  return entries
}

function readOne(full: string, path: string, reading: Reading): ParcelEntry {
  const stat = reading.followed ? statSync(full) : lstatSync(full)
  if (stat.isSymbolicLink()) return { path, kind: 'link', target: readlinkSync(full) }
  if (!stat.isFile()) throw invalidInput('NOT_A_FILE', `${full} is neither file nor directory`)
  reading.left -= stat.size
  if (reading.left < 0) throw tooLarge(reading.root, 'it is too large')
  return { path, kind: 'file', mode: stat.mode & 0o7777, data: readFileSync(full) }
}

function tooLarge(root: string, why: string): Error {
  return invalidInput('TOO_LARGE', `${root} cannot be shipped to the hosts: ${why}`)
}
