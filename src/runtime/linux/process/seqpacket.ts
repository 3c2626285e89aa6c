import { closeSync, constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import { invariant } from '../../../core/invariant.ts'
import { libcFunction } from './libc.ts'

const AF_UNIX = 1
const SOCK_SEQPACKET_CLOEXEC = 5 | 0o2000000
/** sizeof(sun_path), its closing zero included. */
const SUN_PATH_BYTES = 108

const sysSocket = libcFunction<[number, number, number]>('int socket(int domain, int type, int protocol)')
const sysConnect = libcFunction<[number, Uint8Array, number]>(
  'int connect(int fd, const void *address, unsigned int length)',
)

interface PipeHandle {
  readonly open: (fd: number) => number
}
interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle
  readonly constants: { readonly SOCKET: number }
}

/**
 * Connects to a SOCK_SEQPACKET socket. Each `data` event of the result is one packet, each write one packet.
 *
 * `new net.Socket({ fd })` refuses such descriptors, so the descriptor is adopted by the handle node:net itself uses for
 * unix sockets. Throws a SyscallError: ENOENT, ECONNREFUSED.
 */
export function connectSeqpacket(path: string): Socket {
  const fd = sysSocket(AF_UNIX, SOCK_SEQPACKET_CLOEXEC, 0)
  try {
    connectUnix(fd, path)
    const { Pipe, constants: kinds } = pipeBinding()
    const handle = new Pipe(kinds.SOCKET)
    invariant(handle.open(fd) === 0, 'a fresh socket can be adopted')
    return new Socket({ handle, allowHalfOpen: true } as unknown as ConstructorParameters<typeof Socket>[0])
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Paths beyond what a socket address holds are reached through a descriptor of their directory. */
function connectUnix(fd: number, path: string): void {
  if (Buffer.byteLength(path) < SUN_PATH_BYTES) {
    sysConnect(fd, ...unixAddress(path))
    return
  }
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    sysConnect(fd, ...unixAddress(`/proc/self/fd/${directory}/${basename(path)}`))
  } finally {
    closeSync(directory)
  }
}

function unixAddress(path: string): [Uint8Array, number] {
  const address = Buffer.alloc(2 + SUN_PATH_BYTES)
  address.writeUInt16LE(AF_UNIX, 0)
  const length = address.write(path, 2)
  return [address, 2 + length + 1]
}

function pipeBinding(): PipeBinding {
  const { binding } = process as unknown as { readonly binding: (name: 'pipe_wrap') => PipeBinding }
  return binding('pipe_wrap')
}
