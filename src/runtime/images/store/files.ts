import type { FileHandle } from 'node:fs/promises'
import type { Clock } from '../../../core/clock.ts'
import { diskError } from '../../linux/files/disk-error.ts'
import { writeDurably } from '../../linux/files/durable-file.ts'
import { runCommand } from '../../linux/process/run-command.ts'

const SYNC_TIMEOUT_MS = 120_000

/** Replaces a small file so that a crash at any moment leaves the old or the new content, never a part. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeDurably(path, content)
  } catch (error) {
    throw diskError(path, error)
  }
}

export async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten
}

/** Puts everything that was written to the file system of a directory on the disk, so that records may speak of it. */
export async function syncFileSystem(directory: string, clock: Clock): Promise<void> {
  await runCommand('sync', ['-f', directory], { clock, timeoutMs: SYNC_TIMEOUT_MS })
}
