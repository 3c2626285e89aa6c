import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { conflict, failed } from '../core/errors.ts'
import { newHexId, type Random } from '../core/random.ts'
import { claimExecRoot } from './exec-root-owner.ts'
import { writeDurably } from './linux/files/durable-file.ts'
import { lockFile } from './linux/files/file-lock.ts'
import { makeRoot } from './linux/files/make-root.ts'
import { readIfThere } from './linux/files/read-if-there.ts'

/** Raised when what lies in a data root changes its meaning. */
const FORMAT = '1'

export interface EngineRoot {
  /** Made once for the life of the data root. */
  readonly engineId: string
  readonly release: () => void
}

/**
 * Takes a data root and an exec root for this process alone, and makes them if there are none.
 *
 * Throws DATA_ROOT_LOCKED or EXEC_ROOT_LOCKED if another engine has it, EXEC_ROOT_TAKEN if containers of another engine run there, and DATA_ROOT_FORMAT, before anything in it is
 * changed, if it was written by a version whose format we do not know or by another engine.
 */
export async function openEngineRoot(dataRoot: string, execRoot: string, random: Random): Promise<EngineRoot> {
  const format = (await readIfThere(join(dataRoot, 'format')))?.toString().trim()
  if (format !== undefined && format !== FORMAT) {
    throw failed(
      'DATA_ROOT_FORMAT',
      `The data root ${dataRoot} has format ${format.slice(0, 20)}, this version knows format ${FORMAT}: use the version that wrote it, or another --data-root`,
    )
  }
  if (format === undefined) await refuseForeignRoot(dataRoot)
  for (const folder of [dataRoot, execRoot]) await makeRoot(folder, 0o711)
  const release = lockRoots(dataRoot, execRoot)
  try {
    if (format === undefined) await writeDurably(join(dataRoot, 'format'), `${FORMAT}\n`)
    const engineId = await readEngineId(join(dataRoot, 'engine-id'), random)
    await claimExecRoot(execRoot, { engineId, dataRoot })
    return { engineId, release }
  } catch (error) {
    release()
    throw error
  }
}

/** Both, because engines that share only an exec root would take each other's containers for orphans. */
function lockRoots(dataRoot: string, execRoot: string): () => void {
  const data = lockFile(join(dataRoot, 'engine.lock'))
  if (!data.held) {
    throw conflict(
      'DATA_ROOT_LOCKED',
      `The data root ${dataRoot} is used by another engine (pid ${data.holder}): stop it, or give this one another --data-root`,
    )
  }
  const exec = lockFile(join(execRoot, 'engine.lock'))
  if (!exec.held) {
    data.release()
    throw conflict(
      'EXEC_ROOT_LOCKED',
      `The exec root ${execRoot} is used by another engine (pid ${exec.holder}): stop it, or give this one another --exec-root`,
    )
  }
  return () => {
    exec.release()
    data.release()
  }
}

/** Folders that only another engine makes: dockerd, podman, containerd. Mixing both would spoil them. */
const FOREIGN = ['overlay2', 'image', 'buildkit', 'overlay', 'overlay-images', 'io.containerd.metadata.v1.bolt']

async function refuseForeignRoot(dataRoot: string): Promise<void> {
  const found = FOREIGN.find(name => existsSync(join(dataRoot, name)))
  if (found === undefined) return
  throw failed(
    'DATA_ROOT_FORMAT',
    `The data root ${dataRoot} belongs to another engine (it holds ${found}): use another --data-root`,
  )
}

async function readEngineId(path: string, random: Random): Promise<string> {
  const known = (await readIfThere(path))?.toString().trim()
  if (known !== undefined && known !== '') return known
  const id = newHexId(random)
  await writeFile(path, `${id}\n`, { mode: 0o600 })
  return id
}
