import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep, withDeadline } from '../../../core/clock.ts'
import { errorCode, failed, unavailable } from '../../../core/errors.ts'
import type { DriverPorts } from '../driver.ts'
import { VM_FILES } from './command-line.ts'
import { withQmp } from './qmp.ts'

/** QEMU opens its files, and then its monitor. */
const LAUNCH_MS_MAX = 60_000
const POLL_MS = 50
const LINES = 5

/**
 * Starts QEMU in a machine's folder, to stay when we end, and resolves when its monitor answers. Its own way of leaving for the
 * background does not go together with its sandbox. Throws QEMU_FAILED with what it said.
 */
export async function spawnQemu(
  words: readonly string[],
  { folder, env, clock }: Pick<DriverPorts, 'folder' | 'env' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  const [program = '', ...args] = words
  const log = await open(join(folder, VM_FILES.log), 'w', 0o600)
  try {
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...env },
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    const ended = new Promise<never>((_resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, killedBy) => {
        const tell = (said: string): void =>
          reject(failed('QEMU_FAILED', `QEMU ended with ${killedBy ?? code}: ${said}`))
        lastLines(join(folder, VM_FILES.log)).then(tell, reject)
      })
    })
    // How it ends from now on, its state tells.
    ended.catch(() => {})
    const answering = async (inner: AbortSignal): Promise<void> => {
      while ((await withQmp(folder, VM_FILES.look, async () => true, { clock, signal: inner })) !== true) {
        await sleep(clock, POLL_MS, inner)
      }
    }
    const waiting = (inner: AbortSignal): Promise<void> => Promise.race([answering(inner), ended])
    const patience = {
      clock,
      signal,
      onTimeout: () => unavailable('QEMU_SILENT', `QEMU does not start within ${LAUNCH_MS_MAX / 1_000} s`),
    }
    await withDeadline(waiting, LAUNCH_MS_MAX, patience).catch(error => {
      child.kill('SIGKILL')
      throw error
    })
    child.unref()
  } finally {
    await log.close()
  }
}

/** The end of a file of lines, on one line; empty: there is none. */
export async function lastLines(path: string): Promise<string> {
  try {
    const lines = (await readFile(path, 'utf8')).trim().split(/\r?\n/)
    return lines.slice(-LINES).join(' | ')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  }
}
