import { join, posix } from 'node:path'
import { failed } from '../../../../core/errors.ts'
import type { Engine } from '../../../../docker-api/index.ts'
import { packFiles } from '../../container/copy/pack-copy.ts'
import type { SyncStep } from './plan-batch.ts'
import { runInContainer } from './run-in-container.ts'
import type { WatchRule } from './watch-rules.ts'

/** Puts changed files into a container, and takes away there what is gone here. Throws SYNC_FAILED. */
export async function syncFiles(
  engine: Pick<Engine, 'containers' | 'exec'>,
  container: string,
  { rule, changes }: SyncStep,
  signal: AbortSignal,
): Promise<void> {
  const gone = changes.removed.map(path => targetOf(rule, path))
  if (gone.length > 0) await removeFiles(engine, container, gone, signal)
  if (changes.written.length === 0) return
  const files = changes.written.map(path => ({
    source: join(rule.path, path),
    name: targetOf(rule, path).replace(/^\/+/, ''),
  }))
  await engine.containers.writeArchive(container, '/', { archive: packFiles(files), signal })
}

async function removeFiles(
  engine: Pick<Engine, 'exec'>,
  container: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  // The user of the container may not own what was copied into it.
  const command = { command: ['rm', '-rf', '--', ...paths], user: '0', privileged: false, environment: [] }
  const { code, output } = await runInContainer(engine, container, command, signal)
  if (code !== 0) throw failed('SYNC_FAILED', `Cannot remove ${paths.join(', ')} in ${container}: ${output}`)
}

function targetOf({ target }: WatchRule, path: string): string {
  return posix.join(target, path)
}
