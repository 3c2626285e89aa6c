import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { conflict, failed } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { lockFile } from '../../runtime/linux/files/file-lock.ts'
import { refuseKernelOwn } from '../../runtime/linux/files/make-root.ts'

/**
 * Takes the agent's part of the data root for this process; returns the directory. Throws AGENT_RUNS if another agent has
 * it, DATA_ROOT_UNUSABLE or BAD_ROOT if it cannot be made.
 */
export function holdAgentDirectory(dataRoot: string, scope: Scope): string {
  refuseKernelOwn(dataRoot)
  const directory = join(dataRoot, 'agent')
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw failed('DATA_ROOT_UNUSABLE', `Cannot make ${directory}: choose another --data-root`, { cause })
  }
  const lock = lockFile(join(directory, 'lock'))
  if (!lock.held) {
    throw conflict(
      'AGENT_RUNS',
      `Another agent (pid ${lock.holder}) uses ${dataRoot}: stop it, or give this one its own --data-root, --exec-root and --name`,
    )
  }
  scope.defer(lock.release)
  return directory
}
