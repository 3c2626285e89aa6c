import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Scope } from '../../src/core/scope.ts'

/** Gives the bytes of an answer, in its own time. */
export type ByHand = (socket: Socket, path: string) => void

/** An HTTP server whose answers a test writes byte by byte: those of a node that is slow, or lies. */
export interface HandServer {
  /** `127.0.0.1:43121`. */
  readonly address: string
  /** Paths that were asked for, without their queries. */
  readonly asked: readonly string[]
  /** Connections that are open now. */
  readonly open: ReadonlySet<Socket>
}

/** Closed with the scope, whatever is open. */
export async function serveByHand(scope: Scope, answer: ByHand): Promise<HandServer> {
  const asked: string[] = []
  const open = new Set<Socket>()
  const server = createServer(socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
    socket.on('data', data => {
      const [, path] = /^[A-Z]+ (\/[^ ?]*)/.exec(data.toString('latin1')) ?? []
      if (path === undefined) return
      asked.push(path)
      answer(socket, path)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  scope.defer(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, open }
}

export const jsonAnswer = (value: unknown): string => {
  const text = JSON.stringify(value)
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}

/** The beginning of an answer whose parts follow, each with {@link chunk}. */
export const CHUNKED = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'

export const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
