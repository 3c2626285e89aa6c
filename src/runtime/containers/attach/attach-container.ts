import type { Socket } from 'node:net'
import { parseDetachKeys } from '../../../core/detach-keys.ts'
import { conflict, errorCode, errorMessage, unsupported } from '../../../core/errors.ts'
import type { AttachedStream, AttachOptions, LogChunk } from '../../../docker-api/index.ts'
import { beingRemoved, isRestarting, notRunning } from '../container-errors.ts'
import { bundleFiles, bundlePath, logPath } from '../engine-paths.ts'
import { logDetails, type ReadLogsOptions, readLogConfig, readLogs } from '../logs/index.ts'
import { type ContainerRecord, isRunning } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { AttachStream } from './attach-stream.ts'
import { writeTerminalSize } from './terminal-size.ts'

/** Attaches a client; to a container that does not run yet, from its start on. */
export async function attachContainer(room: Room, reference: string, options: AttachOptions): Promise<AttachedStream> {
  const { id } = room.table.get(reference)
  const detachKeys = parseDetachKeys(options.detachKeys)
  return room.locks.run(id, async () => {
    const record = room.table.get(id)
    refuseToAttach(record)
    const stream = newStream(room, record, { ...options, keys: detachKeys })
    if (followsLog(record, options)) stream.endAfter(followLog(room, id, stream, options))
    else if (options.logs) await replayLog(room, id, stream, options)
    if (!options.stream) stream.finish()
    else if (isRunning(record)) connect(room, id, stream)
    else waitForStart(room, id, stream)
    emitContainer(room, record, 'attach')
    return { stream, tty: record.config.Tty === true }
  })
}

function refuseToAttach(record: ContainerRecord): void {
  const { id, life } = record
  if (life.status === 'removing') throw beingRemoved(id)
  if (life.status === 'restarting') throw isRestarting(id)
  if (isRunning(record) && record.life.paused) {
    throw conflict('CONTAINER_PAUSED', `Container ${id} is paused, unpause the container before attach`)
  }
}

/**
 * Who wants all that was printed before and all that comes gets both from the log: between reading what is there and being
 * heard by the monitor something could be missed.
 */
function followsLog(record: ContainerRecord, { logs, stream }: AttachOptions): boolean {
  return logs && stream && isRunning(record)
}

function newStream(
  room: Room,
  record: ContainerRecord,
  options: AttachOptions & { readonly keys: Buffer },
): AttachStream {
  const { stdin, stdout, stderr, keys } = options
  const { Tty: tty = false, OpenStdin = false, StdinOnce = false } = record.config
  const inputEnds = StdinOnce && !tty
  return new AttachStream({
    tty,
    stdin: stdin && OpenStdin,
    stdout,
    stderr,
    isDeaf: followsLog(record, options),
    endsWithInput: stdin && OpenStdin && !inputEnds,
    detachKeys: keys,
    onDetach: () => emitContainer(room, record, 'detach'),
    ...(!stdin && OpenStdin && inputEnds ? { lobby: lobbyOf(room, record.id) } : {}),
  })
}

/** A container that has just ended says nothing more. */
function connect({ paths }: Room, id: string, stream: AttachStream): void {
  try {
    stream.connect(bundleFiles(bundlePath(paths, id)).attach)
  } catch (error) {
    if (!['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '')) throw error
    stream.finish()
  }
}

function lobbyOf({ parked }: Room, id: string) {
  return { take: () => parked.take(id), park: (socket: Socket) => parked.park(id, socket) }
}

function waitForStart({ attaching }: Room, id: string, stream: AttachStream): void {
  const streams = attaching.get(id) ?? new Set()
  attaching.set(id, streams.add(stream))
  stream.once('close', () => streams.delete(stream))
}

async function replayLog(room: Room, id: string, stream: AttachStream, wanted: AttachOptions): Promise<void> {
  const options = { stdout: wanted.stdout, stderr: wanted.stderr, follow: false }
  for await (const chunk of containerLogs(room, id, options, room.closing)) stream.replay(chunk.stream, chunk.data)
}

/** Gives the stream the log until the container's run ends or the client has gone. Throws at the call if there is no log. */
function followLog(room: Room, id: string, stream: AttachStream, wanted: AttachOptions): Promise<void> {
  const gone = new AbortController()
  stream.once('close', () => gone.abort())
  const options = { stdout: wanted.stdout, stderr: wanted.stderr, follow: true, pieces: true }
  const chunks = containerLogs(room, id, options, AbortSignal.any([room.closing, gone.signal]))
  const passOn = async (): Promise<void> => {
    for await (const chunk of chunks) {
      if (!stream.replay(chunk.stream, chunk.data)) await stream.wanted()
    }
  }
  return passOn().catch((error: unknown) => {
    room.log.error({ container: id, error: errorMessage(error) }, 'cannot read the log for who is attached')
  })
}

/** The output of a container so far, and with `follow` until its last run ends. Throws at the call if there is none to read. */
export function containerLogs(
  room: Room,
  reference: string,
  options: ReadLogsOptions,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  const record = room.table.get(reference)
  const { id, host, life } = record
  if (readLogConfig(host.LogConfig ?? {}) === undefined) {
    throw unsupported('NO_LOGS', 'configured logging driver does not support reading')
  }
  const isOver = life.status !== 'running' && life.status !== 'restarting'
  const ended = isOver ? AbortSignal.abort() : room.runs.get(id)?.signal
  const chunks = readLogs(logPath(room.paths, id), options, {
    clock: room.clock,
    signal,
    ...(ended === undefined ? {} : { ended }),
  })
  return options.details === true ? withDetails(chunks, logDetails(record)) : chunks
}

async function* withDetails(chunks: AsyncGenerator<LogChunk>, details: string): AsyncGenerator<LogChunk> {
  for await (const chunk of chunks) yield { ...chunk, details }
}

/** Sets the size of the container's terminal. */
export async function resizeContainer(
  room: Room,
  reference: string,
  size: { readonly height: number; readonly width: number },
): Promise<void> {
  const record = room.table.get(reference)
  if (!isRunning(record)) throw notRunning(record.id)
  await writeTerminalSize(bundleFiles(bundlePath(room.paths, record.id)).control, size)
  emitContainer(room, record, 'resize', { height: String(size.height), width: String(size.width) })
}
