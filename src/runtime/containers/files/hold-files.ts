import { closeSync, constants, statSync } from 'node:fs'
import { errorCode, errorMessage } from '../../../core/errors.ts'
import {
  type HeldDirectory,
  heldDirectory,
  holdDirectory,
  makeInside,
  O_PATH,
  openInside,
  splitInside,
} from '../../linux/files/fd-path.ts'
import { cloneMounts, MOUNT_FLAGS, mount } from '../../linux/mount.ts'
import { insideOwnMounts } from '../../linux/process/namespaces.ts'
import { isAlive } from '../../linux/process/process-identity.ts'
import type { PreparedMount } from '../../ports.ts'
import { beingRemoved } from '../container-errors.ts'
import { type ContainerRecord, isRunning } from '../record.ts'
import type { Room } from '../room.ts'

/** The files of a container, held open. They stay what they are, whatever becomes of the container meanwhile. */
export interface HeldFiles extends AsyncDisposable {
  readonly record: ContainerRecord
  readonly root: HeldDirectory
}

/**
 * Holds the files of a container as its processes see them: with its volumes, and while it runs with everything else that
 * is mounted in it. Nothing keeps the container from being started, stopped or removed meanwhile.
 */
export async function holdFiles(room: Room, reference: string): Promise<HeldFiles> {
  const { id } = room.table.get(reference)
  return room.locks.run(id, async () => {
    const record = usable(room, id)
    const running = runningRoot(record)
    if (running !== undefined)
      return { record, root: running, [Symbol.asyncDispose]: async () => running[Symbol.dispose]() }
    const use = await useRoot(room, record)
    try {
      const root = await withVolumes(room, record, use.path)
      return { record, root, [Symbol.asyncDispose]: () => release(root, use) }
    } catch (error) {
      // The lock is held here already.
      await endUse(room, id)
      throw error
    }
  })
}

/** Holds the root of a container alone, without anything that is mounted in it. */
export async function holdRoot(room: Room, reference: string): Promise<HeldFiles> {
  const { id } = room.table.get(reference)
  return room.locks.run(id, async () => {
    const record = usable(room, id)
    const use = await useRoot(room, record)
    const root = holdDirectory(use.path)
    return { record, root, [Symbol.asyncDispose]: () => release(root, use) }
  })
}

/** Throws 409 for a container whose removal has begun: its files are no longer its own. */
function usable({ table }: Room, id: string): ContainerRecord {
  const record = table.get(id)
  if (record.life.status === 'removing') throw beingRemoved(id)
  return record
}

async function release(root: HeldDirectory, use: RootUse): Promise<void> {
  root[Symbol.dispose]()
  await use.end()
}

/** What the first process of a container has for its root; undefined if it does not run. */
function runningRoot(record: ContainerRecord): HeldDirectory | undefined {
  if (!isRunning(record)) return undefined
  const { process } = record.life
  let root: HeldDirectory
  try {
    root = holdDirectory(`/proc/${process.pid}/root`)
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
  // Looked at after opening: from here on the descriptor cannot come to mean another process's root.
  if (isAlive(process)) return root
  root[Symbol.dispose]()
  return undefined
}

interface RootUse {
  readonly path: string
  readonly end: () => Promise<void>
}

/** Mounts a container's root, if it is not, for as long as somebody uses it; under the container's lock. */
async function useRoot(room: Room, { id, imageId }: ContainerRecord): Promise<RootUse> {
  const path = await room.roots.mount(id, imageId)
  room.rootUses.set(id, (room.rootUses.get(id) ?? 0) + 1)
  return { path, end: () => room.locks.run(id, () => endUse(room, id)) }
}

async function endUse(room: Room, id: string): Promise<void> {
  const left = (room.rootUses.get(id) ?? 1) - 1
  if (left > 0) return void room.rootUses.set(id, left)
  room.rootUses.delete(id)
  const status = room.table.find(id)?.life.status
  if (status !== 'idle' && status !== 'restarting') return
  await room.roots.unmount(id).catch((error: unknown) => {
    room.log.warn({ container: id, error: errorMessage(error) }, 'cannot unmount the root')
  })
}

/** A copy of the root's mount with the container's volumes where it will have them; nobody else sees it. */
async function withVolumes(room: Room, record: ContainerRecord, path: string): Promise<HeldDirectory> {
  const mounts = record.mounts.filter(({ type }) => type === 'bind')
  const isReadOnly = record.host.ReadonlyRootfs === true
  if (mounts.length === 0 && !isReadOnly) return holdDirectory(path)
  try {
    // Whichever of them cannot be mounted: those before it are.
    await room.mounts.enter(record.id, record.mounts)
    const tree = insideOwnMounts(() => {
      mount({ source: path, target: path, flags: MOUNT_FLAGS.bind })
      using root = holdDirectory(path)
      for (const wanted of mounts) bindVolume(root, wanted)
      if (isReadOnly) mount({ source: path, target: path, flags: READ_ONLY_AGAIN })
      return cloneMounts(path)
    })
    return heldDirectory(tree)
  } finally {
    await room.mounts.leave(record.id)
  }
}

const READ_ONLY_AGAIN = MOUNT_FLAGS.bind | MOUNT_FLAGS.remount | MOUNT_FLAGS.readOnly

/** Mounts by descriptor, inside the root: a link in an image or in a shared volume cannot lead it elsewhere. */
function bindVolume(root: HeldDirectory, { source, destination, options }: PreparedMount): void {
  const fd = openMountPoint(root, source, destination)
  try {
    const target = `/proc/self/fd/${fd}`
    const recursive = options.includes('rbind') ? MOUNT_FLAGS.recursive : 0
    mount({ source, target, flags: MOUNT_FLAGS.bind | recursive })
  } finally {
    closeSync(fd)
  }
  if (!options.includes('ro')) return
  // Opened again: now it leads to what was mounted.
  const mounted = openInside(root, destination, O_PATH)
  try {
    mount({ source: 'none', target: `/proc/self/fd/${mounted}`, flags: READ_ONLY_AGAIN })
  } finally {
    closeSync(mounted)
  }
}

/** Makes the mount point as the runtime would at the container's start. */
function openMountPoint(root: HeldDirectory, source: string, destination: string): number {
  try {
    return openInside(root, destination, O_PATH)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  const components = splitInside(destination)
  if (statSync(source).isDirectory()) makeInside(root, components)[Symbol.dispose]()
  else {
    makeInside(root, components.slice(0, -1))[Symbol.dispose]()
    closeSync(openInside(root, destination, constants.O_CREAT | constants.O_WRONLY, 0o755))
  }
  return openInside(root, destination, O_PATH)
}
