import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { spokenVersion } from '../../api-version.ts'
import type { AttachedStream } from '../../engine.ts'
import { beginStream, type HttpReply, SERVER_HEADERS } from '../http-app.ts'
import { joinBodies, joinStreams, streamType } from './conversation.ts'

const RAW = 'application/vnd.docker.raw-stream'

/** What node:http listens to on a connection in order to read requests from it. */
const READING = ['data', 'end', 'drain', 'error', 'timeout'] as const

/**
 * Answers a client that did not ask to upgrade. Docker takes over its connection all the same, after a plain 200: what the
 * client sends from then on is stdin. One that sends its input as the request's body gets a body in return.
 */
export function answerPlainly(attached: AttachedStream, request: IncomingMessage, reply: HttpReply): void {
  const { stream } = attached
  if (isUnread(request)) {
    const body = beginStream(reply, streamType(attached, spokenVersion(reply.request.originalUrl)))
    stream.on('error', () => body.destroy())
    joinBodies(body, request, stream)
    return
  }
  reply.hijack()
  const socket = takeOver(request, reply.raw)
  socket.write(headText('200 OK', { 'Content-Type': RAW }))
  joinStreams(socket, stream)
}

function isUnread({ headers, readableEnded }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return hasBody && !readableEnded
}

/** The first lines of an answer that node:http has no part in. */
export function headText(status: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ ...SERVER_HEADERS, ...headers }).map(([name, value]) => `${name}: ${value}`)
  return `HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Parts a connection from the server whose request is read to its end. A listener for data makes node:http hand the bytes
 * to listeners instead of to its parser; its own listeners are then taken away, but for the one that clears up at the close.
 */
function takeOver({ socket }: IncomingMessage, response: ServerResponse): Duplex {
  const nothing = (): void => {}
  socket.on('data', nothing)
  socket.pause()
  for (const event of READING) socket.removeAllListeners(event)
  response.detachSocket(socket)
  socket.on('error', () => socket.destroy())
  return socket
}
