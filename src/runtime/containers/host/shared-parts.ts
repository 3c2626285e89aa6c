import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { conflict } from '../../../core/errors.ts'
import { MOUNT_FLAGS, mount, unmount } from '../../linux/mount.ts'
import { isAlive } from '../../linux/process/process-identity.ts'
import type { ContainerTable } from '../container-table.ts'
import type { EnginePaths } from '../engine-paths.ts'
import { type ContainerRecord, isRunning } from '../record.ts'
import { SHM_BYTES_DEFAULT } from '../spec/default-mounts.ts'
import { readNamespaceModes } from '../spec/namespaces.ts'

/** What a container shares with others: paths of the namespaces it joins, and the host's folder that is its /dev/shm. */
export interface SharedParts {
  readonly joined: { readonly pid?: string; readonly ipc?: string }
  readonly shmSource?: string
}

interface Parts {
  readonly table: ContainerTable
  readonly paths: EnginePaths
}

/** Finds the containers whose namespaces a container joins, and mounts the memory that it lets others share. */
export async function openSharedParts(room: Parts, { id, host }: ContainerRecord): Promise<SharedParts> {
  const { pid, ipc } = readNamespaceModes(host)
  const joined = {
    ...(pid.kind === 'container' ? { pid: namespacePath(donor(room, pid.reference, 'PID'), 'pid') } : {}),
    ...(ipc.kind === 'container' ? { ipc: namespacePath(donor(room, ipc.reference, 'IPC'), 'ipc') } : {}),
  }
  if (ipc.kind === 'container') return { joined, shmSource: shmPath(room, room.table.get(ipc.reference).id) }
  if (ipc.kind === 'host') return { joined, shmSource: '/dev/shm' }
  if (ipc.kind === 'none') return { joined, shmSource: 'none' }
  if (ipc.kind === 'shareable')
    return { joined, shmSource: await mountShm(room, id, host.ShmSize || SHM_BYTES_DEFAULT) }
  return { joined }
}

/** Unmounts what a container let others share; they keep what they hold. */
export async function closeSharedParts(room: Pick<Parts, 'paths'>, id: string): Promise<void> {
  const path = shmPath(room, id)
  if (!existsSync(path)) return
  unmount(path)
  await rm(path, { recursive: true, force: true })
}

type Running = ReturnType<typeof donor>

function donor({ table }: Parts, reference: string, what: 'PID' | 'IPC') {
  const record = table.get(reference)
  if (!isRunning(record) || !isAlive(record.life.process)) {
    throw conflict('CONTAINER_NOT_RUNNING', `cannot join ${what} of a non running container: ${record.id}`)
  }
  if (what === 'IPC' && readNamespaceModes(record.host).ipc.kind !== 'shareable') {
    throw conflict(
      'IPC_NOT_SHAREABLE',
      `can't join IPC of container ${record.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    )
  }
  return record.life.process
}

function namespacePath({ pid }: Running, name: string): string {
  return `/proc/${pid}/ns/${name}`
}

async function mountShm(room: Pick<Parts, 'paths'>, id: string, bytes: number): Promise<string> {
  const target = shmPath(room, id)
  await closeSharedParts(room, id)
  await mkdir(target, { recursive: true, mode: 0o700 })
  const flags = MOUNT_FLAGS.noSuid + MOUNT_FLAGS.noDev + MOUNT_FLAGS.noExec
  mount({ source: 'shm', target, type: 'tmpfs', flags, data: `mode=1777,size=${bytes}` })
  return target
}

function shmPath({ paths }: Pick<Parts, 'paths'>, id: string): string {
  return join(paths.shm, id)
}
