import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connectSeqpacket } from '../linux/seqpacket.ts'

/** conmon reads at most 32 KiB of a packet and drops the rest. */
const PACKET_BYTES_MAX = 8 * 1024
const CONMON_STDOUT = 2
const CONMON_STDERR = 3

export interface AttachOptions {
  readonly tty: boolean
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
}

/**
 * A client's conversation with a container or exec through its conmon: raw bytes with a tty, else frames of Docker's
 * multiplexed stream. Made unconnected, so that a client can attach before the process starts and miss nothing.
 */
export class AttachStream extends Duplex {
  readonly #options: AttachOptions
  #socket: Socket | undefined
  #whenConnected: (() => void)[] = []

  constructor(options: AttachOptions) {
    super({ allowHalfOpen: true })
    this.#options = options
  }

  /** Connects to conmon's attach socket. Throws a SyscallError if nobody listens there. */
  connect(path: string): void {
    if (this.destroyed) return
    const socket = connectSeqpacket(path)
    this.#socket = socket
    socket.on('data', (packet: Buffer) => {
      const piece = this.#frame(packet)
      if (piece !== undefined && !this.push(piece)) socket.pause()
    })
    const end = (): void => {
      this.push(null)
      socket.destroy()
    }
    socket.on('end', end).on('error', end).on('close', end)
    for (const run of this.#whenConnected.splice(0)) run()
  }

  /** Bytes from elsewhere (the log, before what is live), as output of `stream`. */
  replay(stream: 'stdout' | 'stderr', data: Buffer): void {
    this.push(this.#options.tty ? data : frameOf(stream === 'stdout' ? 1 : 2, data))
  }

  /** Ends the output: the process never ran, or is gone. */
  finish(): void {
    if (this.#socket === undefined) this.push(null)
    else this.#socket.destroy()
    for (const run of this.#whenConnected.splice(0)) run()
  }

  override _read(): void {
    this.#socket?.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.#options.stdin) return done()
    this.#connected(socket => {
      if (socket === undefined || !socket.writable) return done()
      // One packet under way at a time: queued writes would be joined into one packet and cut.
      const send = (offset: number): void => {
        if (offset >= chunk.length || !socket.writable) return done()
        socket.write(chunk.subarray(offset, offset + PACKET_BYTES_MAX), () => send(offset + PACKET_BYTES_MAX))
      }
      send(0)
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.#options.stdin) return done()
    this.#connected(socket => {
      socket?.end()
      done()
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket?.destroy()
    for (const run of this.#whenConnected.splice(0)) run()
    done(error)
  }

  #connected(run: (socket: Socket | undefined) => void): void {
    if (this.#socket !== undefined || this.destroyed || this.readableEnded) run(this.#socket)
    else this.#whenConnected.push(() => run(this.#socket))
  }

  #frame(packet: Buffer): Buffer | undefined {
    const data = packet.subarray(1)
    if (this.#options.tty) return data
    if (packet[0] === CONMON_STDOUT && this.#options.stdout) return frameOf(1, data)
    if (packet[0] === CONMON_STDERR && this.#options.stderr) return frameOf(2, data)
    return undefined
  }
}

/** Docker's stream frame: stream, three zeros, length, data. Source: Docker Engine API, attach. */
function frameOf(stream: 1 | 2, data: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(8 + data.length)
  frame.writeUInt32BE(stream * 0x1000000, 0)
  frame.writeUInt32BE(data.length, 4)
  data.copy(frame, 8)
  return frame
}
