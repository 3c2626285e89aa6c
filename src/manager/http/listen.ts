import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:net'
import { conflict, errorCode, errorMessage, failed, invalidInput } from '../../core/errors.ts'

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/

/** Reads `[tcp://]host:port`, `:port` (every address) or `unix://path`. Throws 400 `BAD_FLAG`. */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix://')) return { kind: 'unix', path: text.slice('unix://'.length) }
  const match = /^(?:tcp:\/\/)?(?:\[([^\]]+)\]|([^:/]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw invalidInput('BAD_FLAG', `Cannot use --host "${text}": expected tcp://host:port or unix://path`)
  }
  return { kind: 'tcp', host: match[1] ?? (match[2] || '0.0.0.0'), port }
}

/** Anybody who reaches a plain port owns the cluster, so one that others can reach must be asked for. */
export function isExposed(address: ListenAddress): boolean {
  return address.kind === 'tcp' && !LOOPBACK.test(address.host)
}

/** Serves on an address. Throws 409 `ADDRESS_IN_USE`. A socket file left by a dead program is replaced. */
export async function listenOn(address: ListenAddress, handler: RequestListener): Promise<Server> {
  const server = createServer(handler)
  if (address.kind === 'unix' && !(await answers(address.path))) await rm(address.path, { force: true })
  server.listen(address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port })
  try {
    await once(server, 'listening')
    return server
  } catch (cause) {
    const text = formatListenAddress(address)
    if (errorCode(cause) === 'EADDRINUSE') {
      throw conflict(
        'ADDRESS_IN_USE',
        `Cannot listen on ${text}: another program does; stop it or choose another --host`,
        {
          cause,
        },
      )
    }
    throw failed('CANNOT_LISTEN', `Cannot listen on ${text}: ${errorMessage(cause)}`, { cause })
  }
}

export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`
  return `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
