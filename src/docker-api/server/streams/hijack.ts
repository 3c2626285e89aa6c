import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { checkVersion, spokenVersion, stripVersion, versionOf } from '../../api-version.ts'
import type { AttachedStream, Engine } from '../../engine.ts'
import { errorAnswer } from '../http-app.ts'
import { decodeSegment, Query } from '../request.ts'
import { readExecStart, startExec } from '../routes/start-exec.ts'
import { attachOptions, joinStreams, streamType } from './conversation.ts'
import { headText } from './take-over.ts'
import { attachWebSocket } from './websocket.ts'

const ATTACH = /^\/containers\/([^/?]+)\/attach(?:\?|$)/
const ATTACH_WEB_SOCKET = /^\/containers\/([^/?]+)\/attach\/ws(?:\?|$)/
const EXEC_START = /^\/exec\/([^/?]+)\/start(?:\?|$)/

/** Whether a request that asks to upgrade is one of the conversations that take over the connection. */
export function isHijack({ method, url = '', headers }: IncomingMessage): boolean {
  const path = stripVersion(url)
  if (method === 'GET') return ATTACH_WEB_SOCKET.test(path) && headers.upgrade?.toLowerCase() === 'websocket'
  return method === 'POST' && (ATTACH.test(path) || EXEC_START.test(path))
}

/**
 * Answers `Connection: Upgrade` requests: after the head, the connection carries the process's stdin one way and its
 * output the other. Either direction may end first.
 */
export async function answerUpgrade(
  engine: Engine,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => socket.destroy())
  try {
    const socketOf = webSocketOf(request)
    if (socketOf !== undefined) return await attachWebSocket(engine.containers, socketOf, { request, socket, head })
    if (head.length > 0) socket.unshift(head)
    const attached = await openConversation(engine, request)
    if (attached === undefined) {
      socket.end(headText('200 OK', { 'Content-Length': '0' }))
      return
    }
    const type = streamType(attached, spokenVersion(request.url ?? ''))
    socket.write(headText('101 UPGRADED', { 'Content-Type': type, Connection: 'Upgrade', Upgrade: 'tcp' }))
    joinStreams(socket, attached.stream)
  } catch (error) {
    refuseUpgrade(socket, error)
  }
}

/** Answers on a connection that is no server's any more why it is not taken over, and closes it. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { status, body } = errorAnswer(error)
  const text = JSON.stringify(body)
  const length = String(Buffer.byteLength(text))
  const headers = { 'Content-Type': 'application/json', 'Content-Length': length, Connection: 'close' }
  socket.end(headText(`${status} ${STATUS_CODES[status] ?? 'Error'}`, headers) + text)
}

function webSocketOf({ url = '' }: IncomingMessage): { id: string; query: Query } | undefined {
  const path = stripVersion(url)
  const container = ATTACH_WEB_SOCKET.exec(path)?.[1]
  if (container === undefined) return undefined
  refuseVersion(url)
  return { id: decodeSegment(container), query: new Query(path) }
}

function refuseVersion(url: string): void {
  const version = versionOf(url)
  if (version !== undefined) checkVersion(version)
}

async function openConversation(engine: Engine, request: IncomingMessage): Promise<AttachedStream | undefined> {
  const { url = '' } = request
  refuseVersion(url)
  const path = stripVersion(url)
  const container = ATTACH.exec(path)?.[1]
  if (container !== undefined) {
    return engine.containers.attach(decodeSegment(container), attachOptions(new Query(path)))
  }
  const exec = EXEC_START.exec(path)?.[1] ?? ''
  return startExec(engine.exec, decodeSegment(exec), await readExecStart(request, spokenVersion(url)))
}
