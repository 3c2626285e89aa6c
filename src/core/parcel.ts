import { gunzipSync, gzipSync } from 'node:zlib'
import { canonicalJson, sha256Digest } from './digest.ts'
import { invalidInput } from './errors.ts'

/** A file, directory or link of a parcel; `path` is relative to its root, and empty for the root itself. */
export type ParcelEntry =
  | { readonly path: string; readonly kind: 'file'; readonly mode: number; readonly data: Uint8Array }
  | { readonly path: string; readonly kind: 'directory'; readonly mode: number }
  | { readonly path: string; readonly kind: 'link'; readonly target: string }

/** A file or a tree of files, packed. */
export interface Parcel {
  /** Hash of what is in it: equal content has the same id, whoever packs it. */
  readonly id: string
  readonly bytes: Uint8Array
}

/** Larger than any parcel is when it is unpacked. */
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024

/** Packs files; the entries may come in any order. */
export function packParcel(entries: readonly ParcelEntry[]): Parcel {
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const text = canonicalJson(
    sorted.map(entry => (entry.kind === 'file' ? { ...entry, data: toBase64(entry.data) } : entry)),
  )
  return { id: sha256Digest(text).replace('sha256:', ''), bytes: gzipSync(text) }
}

/**
 * Unpacks a parcel, directories before what is in them. Throws BAD_PARCEL for anything but files below one root, none of
 * which is reached through a link.
 */
export function unpackParcel(bytes: Uint8Array): ParcelEntry[] {
  const entries = parse(bytes).map(readEntry)
  const kinds = new Map(entries.map(entry => [entry.path, entry.kind]))
  if (kinds.size !== entries.length) throw bad('a path is there twice')
  for (const { path } of entries) {
    if (path === '') continue
    const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
    if (kinds.get(parent) !== 'directory') throw bad(`${path} is in no directory`)
  }
  if (!kinds.has('')) throw bad('it has no root')
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function parse(bytes: Uint8Array): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX }).toString('utf8'))
    if (Array.isArray(value)) return value
  } catch (cause) {
    throw bad('it is damaged', cause)
  }
  throw bad('it is damaged')
}

function readEntry(value: unknown): ParcelEntry {
  const { path, kind, mode, data, target } = value as Readonly<Record<string, unknown>>
  const isClean = (text: string): boolean =>
    text === '' || text.split('/').every(part => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'))
  if (typeof path !== 'string' || !isClean(path)) throw bad('a path leads out of it')
  if (kind === 'link' && typeof target === 'string') return { path, kind, target }
  if (typeof mode !== 'number' || !Number.isInteger(mode) || mode < 0 || mode > 0o7777) throw bad(`${path} has no mode`)
  if (kind === 'directory') return { path, kind, mode }
  if (kind === 'file' && typeof data === 'string') return { path, kind, mode, data: Buffer.from(data, 'base64') }
  throw bad(`${path} is neither file, directory nor link`)
}

function toBase64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}

function bad(why: string, cause?: unknown): Error {
  return invalidInput('BAD_PARCEL', `Cannot read the files of a service: ${why}; apply the project again`, { cause })
}
