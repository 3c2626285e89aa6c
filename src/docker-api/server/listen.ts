import { once } from 'node:events'
import { chmod, chown, mkdir, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { conflict, errorCode, errorMessage, failed, invalidInput } from '../../core/errors.ts'

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

const SOCKET_MODE = 0o660
/** Connections that may wait to be accepted; the kernel cuts it to net.core.somaxconn. A unix socket refuses more at once. */
const BACKLOG = 4_096
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/

/** Reads `tcp://host:port`, `tcp://:port`, `host:port`, `unix:///path` or a path. Throws 400 `BAD_HOST`. */
export function parseListenAddress(text: string): ListenAddress {
  const path = text.startsWith('unix://') ? text.slice('unix://'.length) : text
  if (path.startsWith('/')) return { kind: 'unix', path }
  const match = /^(?:tcp:\/\/)?(?:\[([0-9a-fA-F:]+)\]|([^:/[\]]*)):(\d{1,5})\/?$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw invalidInput('BAD_HOST', `Cannot use --host "${text}": expected tcp://host:port or unix:///path`)
  }
  return { kind: 'tcp', host: match[1] ?? (match[2] || '0.0.0.0'), port }
}

/** Whether other machines may reach it. */
export function isExposed(address: ListenAddress): boolean {
  return address.kind === 'tcp' && !LOOPBACK.test(address.host)
}

/**
 * Who reaches a plain port of an engine owns the machine, and that of a manager every host, so one that others can reach has to be asked for.
 * Throws 400 `INSECURE_HOST`.
 */
export function checkExposure(
  address: ListenAddress,
  { isSecure, insecure }: { isSecure: boolean; insecure: boolean },
): void {
  if (isSecure || insecure || !isExposed(address)) return
  throw invalidInput(
    'INSECURE_HOST',
    `Refusing to serve ${formatAddress(address)} without TLS: whoever reaches it can do anything as root. Use --tlsverify, a loopback address, or say --insecure`,
  )
}

export function formatAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`
  return `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/**
 * Makes a server listen. A socket file that nobody listens on any more is replaced; one in use, and a taken port, throw
 * 409 `ADDRESS_IN_USE`. `socketGroup` may use a socket too. Resolves with the address bound: with its real port, if 0 was asked for.
 */
export async function listenOn(server: Server, address: ListenAddress, socketGroup?: number): Promise<ListenAddress> {
  if (address.kind === 'unix') await makeRoom(address)
  const place = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port }
  server.listen({ ...place, backlog: BACKLOG })
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw listenError(address, cause)
  }
  if (address.kind === 'unix') {
    if (socketGroup !== undefined) await chown(address.path, 0, socketGroup)
    await chmod(address.path, SOCKET_MODE)
    return address
  }
  const bound = server.address()
  return typeof bound === 'object' && bound !== null ? { ...address, port: bound.port } : address
}

async function makeRoom(address: ListenAddress & { kind: 'unix' }): Promise<void> {
  await mkdir(dirname(address.path), { recursive: true })
  if (await answers(address.path)) throw inUse(address)
  await rm(address.path, { force: true })
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

function listenError(address: ListenAddress, cause: unknown): Error {
  const code = errorCode(cause)
  if (code === 'EADDRINUSE') return inUse(address, cause)
  const hint = code === 'EADDRNOTAVAIL' ? ': this machine has no such address' : `: ${errorMessage(cause)}`
  return failed('CANNOT_LISTEN', `Cannot listen on ${formatAddress(address)}${hint}`, { cause })
}

function inUse(address: ListenAddress, cause?: unknown): Error {
  return conflict(
    'ADDRESS_IN_USE',
    `Cannot listen on ${formatAddress(address)}: another program does; stop it or choose another --host`,
    { cause },
  )
}
