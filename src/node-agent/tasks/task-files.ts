import { chmod, chown, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { failed } from '../../core/errors.ts'
import type { FileSpec } from '../../core/model/service.ts'
import type { TaskRecord } from '../../core/model/task.ts'
import { type ParcelEntry, unpackParcel } from '../../core/parcel.ts'
import type { ClusterKeys, Store } from '../../discovery/index.ts'
import type { MountRequest } from '../../docker-api/index.ts'

/** Secrets, configs and project files of the tasks on this node, from the store into their containers. */
export interface TaskFiles {
  /** Puts a task's files where its container can have them, and says how; what is there already stays. */
  readonly place: (task: TaskRecord) => Promise<readonly MountRequest[]>
  readonly remove: (taskId: string) => Promise<void>
  /** Removes those of every other task: leftovers of a predecessor. */
  readonly removeAllBut: (taskIds: ReadonlySet<string>) => Promise<void>
}

export interface TaskFilesPorts {
  readonly store: Pick<Store, 'list'>
  readonly keys: ClusterKeys
  /** For configs and project files. */
  readonly directory: string
  /** For secrets: in memory only. */
  readonly secretsDirectory: string
  /** Makes sure that there is memory and no disk behind `secretsDirectory`. */
  readonly ensureMemory: (directory: string) => Promise<void>
}

const MODE = 0o444

/** Files below two directories that only root may enter; each task has one of its own in them. */
export function createTaskFiles(ports: TaskFilesPorts): TaskFiles {
  const { directory, secretsDirectory, ensureMemory } = ports
  const both = [directory, secretsDirectory]
  return {
    async place({ id, project, spec }) {
      const files = spec.container.files ?? []
      const secrets = files.filter(({ kind }) => kind === 'secret')
      const others = files.filter(({ kind }) => kind !== 'secret')
      if (secrets.length > 0) await ensureMemory(secretsDirectory)
      const read = (file: FileSpec): Promise<readonly ParcelEntry[]> => readParcel(project, file, ports)
      return [
        ...(await placeIn(join(directory, id), others, read)),
        ...(await placeIn(join(secretsDirectory, id), secrets, read)),
      ]
    },
    async remove(taskId) {
      for (const base of both) await rm(join(base, taskId), { recursive: true, force: true })
    },
    async removeAllBut(taskIds) {
      for (const base of both) {
        const names = await readdir(base).catch(() => [])
        for (const name of names) {
          if (!taskIds.has(name)) await rm(join(base, name), { recursive: true, force: true })
        }
      }
    },
  }
}

async function readParcel(
  project: string,
  { id, kind, name }: FileSpec,
  { store, keys }: TaskFilesPorts,
): Promise<readonly ParcelEntry[]> {
  const { items } = await store.list(keys.file(project, id))
  if (items.length === 0) throw failed('FILES_GONE', `The cluster has no ${kind} ${name}: apply the project again`)
  return unpackParcel(Buffer.from(items.map(({ value }) => value).join(''), 'base64'))
}

/** All or nothing: beside first, then renamed. */
async function placeIn(
  place: string,
  files: readonly FileSpec[],
  read: (file: FileSpec) => Promise<readonly ParcelEntry[]>,
): Promise<MountRequest[]> {
  if (files.length === 0) return []
  const isThere = await stat(place).then(
    () => true,
    () => false,
  )
  if (!isThere) {
    const beside = `${place}.new`
    await rm(beside, { recursive: true, force: true })
    await mkdir(beside, { recursive: true, mode: 0o700 })
    for (const [index, file] of files.entries()) {
      for (const entry of await read(file)) await write(entry, join(beside, String(index), entry.path), file)
    }
    await rename(beside, place)
  }
  return files.map(({ target }, index) => ({
    Type: 'bind',
    Source: join(place, String(index)),
    Target: target,
    ReadOnly: true,
  }))
}

/** What is in a parcel lies in directories of the parcel, never behind a link of it. */
async function write(entry: ParcelEntry, path: string, file: FileSpec): Promise<void> {
  switch (entry.kind) {
    case 'link':
      return symlink(entry.target, path)
    case 'directory':
      await mkdir(path)
      return chmod(path, entry.mode)
    case 'file': {
      await writeFile(path, entry.data, { mode: 0o600, flag: 'wx' })
      if ((file.uid ?? 0) !== 0 || (file.gid ?? 0) !== 0) await chown(path, file.uid ?? 0, file.gid ?? 0)
      return chmod(path, file.kind === 'snapshot' ? entry.mode : (file.mode ?? MODE))
    }
  }
}
