import { fstatSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { ArchiveStream, PathStat } from '../../../docker-api/index.ts'
import { PIECE_BYTES, packOne, packTree, Rooms } from '../../images/index.ts'
import type { HeldDirectory } from '../../linux/files/fd-path.ts'
import { emitContainer, type Room } from '../room.ts'
import { type HeldFiles, holdFiles, holdRoot } from './hold-files.ts'
import { holdLocated, identityInside, identityOf, isKernelFileSystem, locate } from './locate.ts'
import { pathStatOf } from './path-stat.ts'

/** Bytes read ahead of a slow client. */
const AHEAD_BYTES = 1 << 20
/** Bytes that are worth sending. */
const SENT_BYTES = 128 * 1024
/** What every container has mounted besides its volumes: not part of its files. */
const OWN_MOUNTS = ['/proc', '/sys', '/dev', '/dev/shm', '/dev/mqueue', '/dev/pts']

/** `HEAD /containers/{id}/archive`. */
export async function statPath(room: Room, reference: string, path: string): Promise<PathStat> {
  await using files = await holdFiles(room, reference)
  using located = locate(files.root, path, reference)
  return pathStatOf(files.root, located, path)
}

/** `GET /containers/{id}/archive`: the files are held until the archive is read to its end or destroyed. */
export async function readArchive(
  room: Room,
  reference: string,
  path: string,
): Promise<{ readonly stat: PathStat; readonly archive: ArchiveStream }> {
  await using used = new AsyncDisposableStack()
  const files = used.use(await holdFiles(room, reference))
  const located = used.use(locate(files.root, path, reference))
  const stat = pathStatOf(files.root, located, path)
  const directory = located.stats.isDirectory() ? used.use(holdLocated(located, path, reference)) : undefined
  const rooms = new Rooms(PIECE_BYTES)
  const options = { live: true, name: located.base, room: () => rooms.take() }
  const chunks =
    directory === undefined
      ? packOne(located.parent, located.name, options)
      : packTree(directory, { ...options, enters: entersOf(files) })
  emitContainer(room, files.record, 'archive-path')
  return { stat, archive: streamOf(chunks, rooms, used.move()) }
}

/** `GET /containers/{id}/export`. */
export async function exportContainer(room: Room, reference: string): Promise<ArchiveStream> {
  await using used = new AsyncDisposableStack()
  const files = used.use(await holdRoot(room, reference))
  emitContainer(room, files.record, 'export')
  const rooms = new Rooms(PIECE_BYTES)
  return streamOf(packTree(files.root, { live: true, room: () => rooms.take() }), rooms, used.move())
}

/** Into volumes and the like, but not into what every container has mounted. */
function entersOf({ root, record }: HeldFiles): (mounted: HeldDirectory) => boolean {
  const own = new Set(record.mounts.map(({ destination }) => identityInside(root, destination)))
  const others = new Set(OWN_MOUNTS.map(mounted => identityInside(root, mounted)))
  return mounted => {
    const identity = identityOf(fstatSync(mounted.fd))
    return !isKernelFileSystem(mounted) && (own.has(identity) || !others.has(identity))
  }
}

/** What is used stays until the stream has ended, however it ends. */
function streamOf(chunks: AsyncIterable<Buffer>, rooms: Rooms, used: AsyncDisposableStack): ArchiveStream {
  const stream = Readable.from(inPieces(chunks), { objectMode: false, highWaterMark: AHEAD_BYTES })
  stream.once('close', () => void used.disposeAsync())
  return Object.assign(stream, { giveBack: (piece: Buffer) => rooms.giveBack(piece) })
}

/** Joins small chunks: each one that is sent costs far more than its bytes. */
async function* inPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let [waiting, bytes]: [Buffer[], number] = [[], 0]
  for await (const chunk of chunks) {
    waiting.push(chunk)
    bytes += chunk.length
    if (bytes < SENT_BYTES) continue
    yield waiting.length === 1 ? chunk : Buffer.concat(waiting)
    ;[waiting, bytes] = [[], 0]
  }
  if (bytes > 0) yield Buffer.concat(waiting)
}
