import { closeSync, constants, existsSync, openSync, readdirSync, statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, failed } from '../../../core/errors.ts'
import {
  type HeldDirectory,
  holdDirectory,
  makeInside,
  O_PATH,
  openInside,
  splitInside,
} from '../../linux/files/fd-path.ts'
import { attachMounts, cloneMounts, MOUNT_FLAGS, makeReadOnly, mount, unmount } from '../../linux/mount.ts'
import type { PreparedMount } from '../../ports.ts'

const SHARING = ['shared', 'rshared', 'slave', 'rslave']

/**
 * Mounts what goes below another mount (a volume in a bind mount of sources) beforehand, in a copy of that other mount that
 * takes its place. The runtime would look for the place by its path and make it if it is missing, while other containers
 * with the same volume may put links there that lead out of the container. Here the place is found, made and held by
 * descriptor, and links end at the root of the volume.
 *
 * `folder` holds the copies until {@link unstageMounts}. Mounts whose propagation joins them to the host stay as they are.
 */
export async function stageMounts(folder: string, mounts: readonly PreparedMount[]): Promise<readonly PreparedMount[]> {
  const sorted = mounts.toSorted((a, b) => a.destination.length - b.destination.length)
  const outer = sorted.filter(({ destination }) => !sorted.some(other => isBelow(destination, other.destination)))
  const staged: PreparedMount[] = []
  for (const [index, parent] of outer.entries()) {
    const nested = sorted.filter(({ destination }) => isBelow(destination, parent.destination))
    const canHold = parent.type === 'bind' && !parent.options.some(option => SHARING.includes(option))
    if (nested.length === 0 || !canHold || !statSync(parent.source).isDirectory()) staged.push(parent, ...nested)
    else staged.push(await stage(join(folder, String(index)), parent, nested))
  }
  return staged
}

/** Takes the copies away; containers that were started keep what they have. Repeating it is harmless. */
export async function unstageMounts(folder: string): Promise<void> {
  // On tmpfs, and most containers have none.
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) unmount(join(folder, name))
  await rm(folder, { recursive: true, force: true })
}

/** Whether a clean path names something inside of another. */
export function isBelow(path: string, other: string): boolean {
  return path.startsWith(`${other}/`)
}

async function stage(copy: string, parent: PreparedMount, nested: readonly PreparedMount[]): Promise<PreparedMount> {
  await mkdir(copy, { recursive: true, mode: 0o700 })
  const recursive = parent.options.includes('rbind') ? MOUNT_FLAGS.recursive : 0
  mount({ source: parent.source, target: copy, flags: MOUNT_FLAGS.bind | recursive })
  // Nothing of what follows may reach the place this is a copy of.
  mount({ source: '', target: copy, flags: MOUNT_FLAGS.private | MOUNT_FLAGS.recursive })
  using root = holdDirectory(copy)
  // Now, before there are mounts below that were not asked to be so.
  if (parent.options.includes('rro')) makeReadOnly(root.fd, 'with mounts below')
  for (const child of nested) {
    try {
      await plant(root, child, { path: child.destination.slice(parent.destination.length), scratch: `${copy}-tmpfs` })
    } catch (cause) {
      throw failed('MOUNT_FAILED', `Cannot mount ${child.destination} inside of ${parent.destination}`, { cause })
    }
  }
  const options = parent.options.filter(word => word !== 'bind').map(word => (word === 'rro' ? 'ro' : word))
  return { ...parent, source: copy, options: [...new Set(['rbind', ...options])] }
}

async function plant(
  root: HeldDirectory,
  { type, source, options }: PreparedMount,
  { path, scratch }: { readonly path: string; readonly scratch: string },
): Promise<void> {
  const tree = type === 'tmpfs' ? await tmpfsTree(scratch, options) : cloneMounts(source)
  try {
    if (type === 'bind' && options.includes('rro')) makeReadOnly(tree, 'with mounts below')
    else if (type === 'bind' && options.includes('ro')) makeReadOnly(tree, 'alone')
    const place = placeInside(root, path, type === 'bind' && !statSync(source).isDirectory())
    try {
      attachMounts(tree, place)
    } finally {
      closeSync(place)
    }
  } finally {
    closeSync(tree)
  }
}

/** Holds the place of a mount, made if it is missing. */
function placeInside(root: HeldDirectory, path: string, isFile: boolean): number {
  const components = splitInside(path)
  if (!isFile) {
    using directory = makeInside(root, components)
    return openInside(directory, '.', O_PATH | constants.O_DIRECTORY)
  }
  using parent = makeInside(root, components.slice(0, -1))
  const name = components.at(-1) ?? ''
  try {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
    closeSync(openSync(`${parent.path}/${name}`, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644))
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
  return openInside(parent, name, O_PATH)
}

const FLAG_WORDS: Readonly<Record<string, number>> = {
  ro: MOUNT_FLAGS.readOnly,
  nosuid: MOUNT_FLAGS.noSuid,
  nodev: MOUNT_FLAGS.noDev,
  noexec: MOUNT_FLAGS.noExec,
}

async function tmpfsTree(scratch: string, options: readonly string[]): Promise<number> {
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  const flags = options.reduce((sum, word) => sum | (FLAG_WORDS[word] ?? 0), 0)
  const data = options.filter(word => word.includes('=')).join(',')
  mount({ source: 'tmpfs', target: scratch, type: 'tmpfs', flags, data })
  try {
    return cloneMounts(scratch)
  } finally {
    unmount(scratch)
  }
}
