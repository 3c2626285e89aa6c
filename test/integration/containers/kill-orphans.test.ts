import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { enginePaths } from '../../../src/runtime/containers/engine-paths.ts'
import { killOrphans } from '../../../src/runtime/containers/life/kill-orphans.ts'
import { isRoot } from './support.ts'

const ID = 'ab'.repeat(32)

describe.skipIf(!isRoot)('monitors that nobody adopts', () => {
  let directory: string
  const children: ChildProcess[] = []
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'shoal-orphans-'))
  })
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  })

  /** A process with a monitor's arguments, in a mount namespace of its own; resolves when `prepare` is done there. */
  async function monitor(runtimeState: string, prepare: string): Promise<ChildProcess> {
    const script = `${prepare}; echo ready; read -r _`
    const child = spawn('unshare', ['--mount', 'sh', '-ec', script, 'monitor', runtimeState, ID], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('error', reject).once('exit', code => reject(new Error(`the monitor ended with ${code}`)))
    })
    return child
  }

  it('are ended, but not those of an engine whose folder only has the same name', async () => {
    const paths = enginePaths({ dataRoot: join(directory, 'data'), execRoot: join(directory, 'exec') })
    mkdirSync(paths.runtimeState, { recursive: true })
    const own = await monitor(paths.runtimeState, ':')
    const foreign = await monitor(paths.runtimeState, 'mount -t tmpfs none "${1%/*}"; mkdir "$1"')
    const ended = new Promise(resolve => own.once('exit', (_code, signal) => resolve(signal)))
    await killOrphans(paths, new Set(), systemClock)
    expect(await ended).toBe('SIGKILL')
    expect(await answer(foreign)).toBe(0)
  })

  it('are left alone when they are adopted', async () => {
    const paths = enginePaths({ dataRoot: join(directory, 'data'), execRoot: join(directory, 'exec') })
    mkdirSync(paths.runtimeState, { recursive: true })
    const own = await monitor(paths.runtimeState, ':')
    await killOrphans(paths, new Set([ID]), systemClock)
    expect(await answer(own)).toBe(0)
  })
})

/** Exit code of a monitor that is told to go on; null if it was killed. */
function answer(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
  child.stdin?.write('go on\n')
  return ended
}
