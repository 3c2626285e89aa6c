import { createWriteStream, type Stats } from 'node:fs'
import { lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { errorCode, failed, invalidInput } from '../../../core/errors.ts'
import type { CommandContext } from '../../command.ts'

/**
 * Refuses what a tar cannot be written to, before one is asked for: a terminal, and anything that is there and is not a
 * file, which would be replaced. `task` begins docker's sentence.
 */
export async function refuseOutput(path: string | undefined, task: string, { stdout }: CommandContext): Promise<void> {
  if (path === undefined || path === '') {
    if (stdout.isTTY !== true) return
    throw invalidInput('BAD_FLAG', 'cowardly refusing to save to a terminal. Use the -o flag or redirect')
  }
  const folder = dirname(path)
  const why =
    (await kindOf(folder)) === undefined
      ? `invalid output path: stat ${folder}: no such file or directory`
      : unfit(await kindOf(path))
  if (why !== undefined) throw failed('BAD_OUTPUT', `${task}: ${why}`)
}

async function kindOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function unfit(kind: Stats | undefined): string | undefined {
  if (kind === undefined || kind.isFile()) return undefined
  if (kind.isDirectory()) return 'cannot write to a directory'
  if (kind.isSymbolicLink()) return 'cannot write to a symbolic link directly'
  if (kind.isFIFO()) return 'cannot write to a named pipe (FIFO)'
  if (kind.isSocket()) return 'cannot write to a socket'
  return `cannot write to a ${kind.isBlockDevice() ? 'block' : 'character'} device file`
}

/** Docker's: images may hold secrets. */
const FILE_MODE = 0o600

/** Writes a stream to a file, which appears when it is whole, or to standard output. */
export async function writeTo(
  body: Readable,
  path: string | undefined,
  { stdout, signal }: CommandContext,
): Promise<void> {
  if (path === undefined || path === '') {
    await pipeline(body, stdout, { end: false, signal })
    return
  }
  // In the same folder, so that it can take the place of the old one, under a name that nobody else has.
  const folder = await mkdtemp(join(dirname(path), `.${basename(path)}-`))
  const part = join(folder, 'part')
  try {
    await pipeline(body, createWriteStream(part, { mode: FILE_MODE }), { signal })
    await rename(part, path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
