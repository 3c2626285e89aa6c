import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { conflict, errorCode } from '../core/errors.ts'

/** Whose containers run under an exec root: the identity of a data root, and where it is. */
export interface ExecRootOwner {
  readonly engineId: string
  readonly dataRoot: string
}

/**
 * Takes an exec root for the engine of a data root, and says so in it.
 *
 * Throws EXEC_ROOT_TAKEN while containers that the engine of another data root left behind still run there: only that
 * engine can look after them, and they would be taken for orphans. A data root that was made anew at the same place is
 * no other: what ran for the old one belongs to nobody.
 */
export async function claimExecRoot(execRoot: string, own: ExecRootOwner): Promise<void> {
  const path = join(execRoot, 'owner.json')
  const before = await readOwner(path)
  if (before?.engineId === own.engineId && before.dataRoot === own.dataRoot) return
  const isOurs = before === undefined || before.engineId === own.engineId || before.dataRoot === own.dataRoot
  if (!isOurs) {
    const left = await countMonitored(join(execRoot, 'containers'))
    if (left > 0) {
      throw conflict(
        'EXEC_ROOT_TAKEN',
        `In the exec root ${execRoot} run ${left} containers of the engine with the data root ${before.dataRoot}: start that one to look after them, or give this one another --exec-root`,
      )
    }
  }
  await writeFile(`${path}.new`, JSON.stringify(own), { mode: 0o600 })
  await rename(`${path}.new`, path)
}

async function readOwner(path: string): Promise<ExecRootOwner | undefined> {
  try {
    const { engineId, dataRoot } = JSON.parse(await readFile(path, 'utf8')) as Partial<ExecRootOwner>
    return engineId === undefined || dataRoot === undefined ? undefined : { engineId, dataRoot }
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Containers whose monitor runs: it has their id among its arguments. */
async function countMonitored(folder: string): Promise<number> {
  const ids = await readdir(folder).catch(() => [])
  const alive = await Promise.all(
    ids.map(async id => {
      const pid = (await readIfThere(join(folder, id, 'conmon.pid'))).trim()
      return /^\d+$/.test(pid) && (await readIfThere(`/proc/${pid}/cmdline`)).split('\0').includes(id)
    }),
  )
  return alive.filter(Boolean).length
}

function readIfThere(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
