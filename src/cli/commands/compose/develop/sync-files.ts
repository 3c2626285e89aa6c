import { join, posix } from 'node:path'
import { failed } from '../../../../core/errors.ts'
import { type CommandRun, type Engine, runInContainer } from '../../../../docker-api/index.ts'
import { packFiles } from '../../container/copy/pack-copy.ts'
import type { SyncStep } from './plan-batch.ts'
import type { WatchRule } from './watch-rules.ts'

/** So much is removed by one command: what a command may be given is limited. */
const REMOVED_MAX = { paths: 500, bytes: 64 * 1_024 }

interface Syncing extends CommandRun {
  readonly engine: Pick<Engine, 'containers' | 'exec'>
}

/** Puts changed files into a container, and takes away there what is gone here. Throws SYNC_FAILED. */
export async function syncFiles(container: string, { rule, changes }: SyncStep, run: Syncing): Promise<void> {
  const gone = changes.removed.map(path => targetOf(rule, path))
  for (const paths of inPortions(gone)) await removeFiles(container, paths, run)
  if (changes.written.length === 0) return
  const files = changes.written.map(path => ({
    source: join(rule.path, path),
    name: targetOf(rule, path).replace(/^\/+/, ''),
  }))
  await run.engine.containers.writeArchive(container, '/', { archive: packFiles(files), signal: run.signal })
}

async function removeFiles(container: string, paths: readonly string[], run: CommandRun): Promise<void> {
  // The user of the container may not own what was copied into it.
  const command = { command: ['rm', '-rf', '--', ...paths], user: '0' }
  const { code, output } = await runInContainer(container, command, run)
  if (code === 0) return
  const others = paths.length > 1 ? ` and ${paths.length - 1} more` : ''
  throw failed('SYNC_FAILED', `Cannot remove ${paths[0]}${others} in ${container}: ${output}`)
}

/** Paths, in order, as many at once as one command removes. Pure. */
export function inPortions(paths: readonly string[]): readonly (readonly string[])[] {
  const portions: string[][] = []
  let bytes = 0
  for (const path of paths) {
    const own = Buffer.byteLength(path) + 1
    const last = portions.at(-1)
    if (last !== undefined && last.length < REMOVED_MAX.paths && bytes + own <= REMOVED_MAX.bytes) {
      last.push(path)
      bytes += own
    } else {
      portions.push([path])
      bytes = own
    }
  }
  return portions
}

function targetOf({ target }: WatchRule, path: string): string {
  return posix.join(target, path)
}
