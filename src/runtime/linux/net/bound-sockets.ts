import { closeSync } from 'node:fs'
import { libcFunction } from '../process/libc.ts'
import { encodeIpv4 } from './netlink-codec.ts'

/**
 * Sockets that are bound before anybody waits: inside a network namespace, where the thread may not stay. They belong to
 * that namespace for good; Node takes the descriptor over (`bind({ fd })`, `listen({ fd })`).
 */

const AF_INET = 2
const SOCK = { stream: 1, datagram: 2 } as const
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const ADDRESS_BYTES = 16
const BACKLOG = 128

const sysSocket = libcFunction<[number, number, number]>('int socket(int domain, int type, int protocol)')
const sysBind = libcFunction<[number, Uint8Array, number]>('int bind(int fd, const void *address, unsigned int length)')
const sysListen = libcFunction<[number, number]>('int listen(int fd, int backlog)')
const sysGetsockname = libcFunction<[number, Uint8Array, Uint8Array]>(
  'int getsockname(int fd, void *address, void *length)',
)

export interface BoundSocket {
  readonly fd: number
  readonly port: number
}

/** An IPv4 socket of the namespace the thread is in; of kind `stream` it listens. Port 0: the kernel chooses. */
export function bindSocket(kind: keyof typeof SOCK, address: string, port = 0): BoundSocket {
  const fd = sysSocket(AF_INET, SOCK[kind] | NONBLOCK_CLOEXEC, 0)
  try {
    const wanted = Buffer.alloc(ADDRESS_BYTES)
    wanted.writeUInt16LE(AF_INET, 0)
    wanted.writeUInt16BE(port, 2)
    encodeIpv4(address).copy(wanted, 4)
    sysBind(fd, wanted, wanted.length)
    if (kind === 'stream') sysListen(fd, BACKLOG)
    const bound = Buffer.alloc(ADDRESS_BYTES)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(ADDRESS_BYTES)
    sysGetsockname(fd, bound, length)
    return { fd, port: bound.readUInt16BE(2) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
