import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../../../core/clock.ts'
import { formatNano, NANOS_PER_MS } from '../../../core/nano-time.ts'
import type { LogChunk, LogOptions } from '../../../docker-api/index.ts'
import { LineJoiner } from './line-joiner.ts'
import { findTail, type LogFile, openNewerFiles, readFrom } from './log-files.ts'

export interface ReadLogsOptions extends LogOptions {
  /** Does not wait for the end of a line. */
  readonly pieces?: boolean
}

export interface ReadLogsPorts {
  readonly clock: Clock
  /** Stops reading at once: the reader has gone. */
  readonly signal: AbortSignal
  /** Aborted when nothing more will be written: a follower reads what is left and ends. Absent: it never ends. */
  readonly ended?: AbortSignal
}

/** A change is noticed at once by inotify; this is for the case in which it was missed. */
const POLL_MS = 1_000

/**
 * Reads a container's output from conmon's log and its rotated predecessors: whole lines, oldest first.
 *
 * A follower stays with the file it reads when that is rotated away, and goes on with the next one only when the old one
 * is read to its end, so no line is lost or given twice. A log that does not exist yet is empty.
 */
export async function* readLogs(
  path: string,
  options: ReadLogsOptions,
  ports: ReadLogsPorts,
): AsyncGenerator<LogChunk> {
  const wanted = wantedTest(options)
  const isPast = untilTest(options)
  const joiner = new LineJoiner(options)
  for await (const bytes of logBytes(path, options, ports)) {
    for (const chunk of joiner.push(bytes)) {
      if (isPast(chunk)) return
      if (wanted(chunk)) yield chunk
    }
  }
  yield* joiner.flush().filter(chunk => wanted(chunk) && !isPast(chunk))
}

/** Times are compared as text: all are in UTC and have nine digits. */
function wantedTest({ stdout, stderr, sinceNano }: LogOptions): (chunk: LogChunk) => boolean {
  const since = sinceNano === undefined ? '' : formatNano(sinceNano)
  return ({ stream, time }) => (stream === 'stdout' ? stdout : stderr) && time >= since
}

function untilTest({ untilNano }: LogOptions): (chunk: LogChunk) => boolean {
  if (untilNano === undefined) return () => false
  const until = formatNano(untilNano)
  return ({ time }) => time > until
}

async function* logBytes(path: string, options: LogOptions, ports: ReadLogsPorts): AsyncGenerator<Buffer> {
  const { signal, ended } = ports
  let files = await openNewerFiles(path)
  const start = options.tail === undefined ? { index: 0, position: 0 } : await findTail(files, options.tail)
  files = await closeAll(files, start.index)
  let position = start.position
  try {
    while (!signal.aborted) {
      // Asked before reading: what was written before the end is then surely read.
      const isLastRound = !options.follow || ended?.aborted === true || isOver(options, ports.clock)
      const change = nextChange(path, ports, isLastRound)
      try {
        if (files.length === 0) files = await openNewerFiles(path)
        for (let file = files[0]; file !== undefined && !signal.aborted; file = files[0]) {
          position = yield* readFrom(file, position)
          if (files.length === 1) {
            const newer = await openNewerFiles(path, file.inode)
            if (newer.length === 0) break
            // It was left by the writer before the newer one appeared, so this reaches its end.
            position = yield* readFrom(file, position)
            files.push(...newer)
          }
          files = await closeAll(files, 1)
          position = 0
        }
        if (isLastRound) return
        await change.happened
      } finally {
        change.stop()
      }
    }
  } finally {
    await closeAll(files, files.length)
  }
}

function isOver({ untilNano }: LogOptions, clock: Clock): boolean {
  return untilNano !== undefined && BigInt(Math.floor(clock.nowMs())) * NANOS_PER_MS > untilNano
}

/** Closes the first `count` files; returns the others. */
async function closeAll(files: readonly LogFile[], count: number): Promise<LogFile[]> {
  await Promise.all(files.slice(0, count).map(({ handle }) => handle.close()))
  return files.slice(count)
}

/** Resolves at the next change in the log's directory, the next poll, or the end. Begins to watch at the call. */
function nextChange(path: string, { clock, signal, ended }: ReadLogsPorts, isIdle: boolean) {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (isIdle) return { happened: promise, stop: resolve }
  const wake = (): void => resolve()
  const timer = clock.setTimer(POLL_MS, wake)
  const watcher = watchFolder(dirname(path), wake)
  signal.addEventListener('abort', wake, { once: true })
  ended?.addEventListener('abort', wake, { once: true })
  return {
    happened: promise,
    stop() {
      timer.cancel()
      watcher?.close()
      signal.removeEventListener('abort', wake)
      ended?.removeEventListener('abort', wake)
      resolve()
    },
  }
}

/** Undefined where no watch is to be had: the host has few, and containers of its root may take them all. */
function watchFolder(folder: string, wake: () => void): FSWatcher | undefined {
  try {
    return watch(folder, { persistent: false }, wake).on('error', wake)
  } catch {
    return undefined
  }
}
