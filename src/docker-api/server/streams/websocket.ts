import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { isBefore, spokenVersion } from '../../api-version.ts'
import type { AttachedStream, ContainerOperations } from '../../engine.ts'
import { FrameDecoder } from '../../stream-frames.ts'
import type { Query } from '../request.ts'
import { attachOptions } from './conversation.ts'

/** A longer message is no typing. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024

export interface WebSocketRequest {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/**
 * `GET /containers/{id}/attach/ws`: messages from the client are stdin, messages to it the output, both streams of it
 * joined and without frames; binary ones since API 1.28. What is refused is refused before the connection is upgraded.
 */
export async function attachWebSocket(
  { attach }: Pick<ContainerOperations, 'attach'>,
  { id, query }: { readonly id: string; readonly query: Query },
  upgrade: WebSocketRequest,
): Promise<void> {
  const attached = await attach(id, attachOptions(query))
  const binary = !isBefore(spokenVersion(upgrade.request.url ?? ''), '1.28')
  const server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false })
  upgrade.socket.once('close', () => attached.stream.destroy())
  server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, socket => join(socket, attached, binary))
}

function join(socket: WebSocket, { stream, tty }: AttachedStream, binary: boolean): void {
  const decoder = new FrameDecoder()
  stream.on('data', (bytes: Buffer) => {
    const pieces = tty ? [bytes] : decoder.push(bytes).map(({ data }) => data)
    stream.pause()
    socket.send(Buffer.concat(pieces), { binary }, () => stream.resume())
  })
  stream.on('end', () => socket.close())
  stream.on('error', () => socket.terminate())
  socket.on('message', data => {
    if (stream.write(bytesOf(data))) return
    socket.pause()
    stream.once('drain', () => socket.resume())
  })
  socket.on('close', () => stream.destroy())
  socket.on('error', () => stream.destroy())
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return Buffer.isBuffer(data) ? data : Buffer.from(data)
}
