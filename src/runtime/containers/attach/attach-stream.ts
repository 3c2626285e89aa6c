import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { DetachScanner } from '../../../core/detach-keys.ts'
import { encodeFrame } from '../../../docker-api/index.ts'
import { connectSeqpacket } from '../../linux/process/seqpacket.ts'

/** conmon reads at most 32 KiB of a packet and drops the rest. */
const PACKET_BYTES_MAX = 8 * 1024
const CONMON_STDOUT = 2
const CONMON_STDERR = 3

export interface AttachOptions {
  readonly tty: boolean
  /** What the client writes reaches the process; else it is thrown away. */
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  /** What the process prints comes by `replay` alone. */
  readonly isDeaf?: boolean
  /** The end of the client's input ends the conversation, not the process's input. */
  readonly endsWithInput?: boolean
  /** Keys with which the client leaves a terminal. */
  readonly detachKeys?: Buffer
  readonly onDetach?: () => void
  /** Connections of who only looks on, which must outlive the conversation. Absent: they end with it. */
  readonly lobby?: { readonly take: () => Socket | undefined; readonly park: (socket: Socket) => void }
}

/**
 * A client's conversation with a container or exec through its conmon: raw bytes with a tty, else frames of Docker's
 * multiplexed stream. Made unconnected, so that a client can attach before the process starts and miss nothing.
 */
export class AttachStream extends Duplex {
  readonly #options: AttachOptions
  readonly #scanner: DetachScanner | undefined
  #socket: Socket | undefined
  #whenConnected: (() => void)[] = []
  #whenWanted: (() => void)[] = []
  #beforeEnd: Promise<unknown> | undefined
  #isOver = false
  #isEnded = false

  constructor(options: AttachOptions) {
    super({ allowHalfOpen: true })
    this.#options = options
    const { tty, stdin, detachKeys } = options
    this.#scanner = tty && stdin && detachKeys !== undefined ? new DetachScanner(detachKeys) : undefined
  }

  /** Connects to conmon's attach socket. Throws a SyscallError if nobody listens there. */
  connect(path: string): void {
    if (this.destroyed) return
    const socket = this.#options.lobby?.take() ?? connectSeqpacket(path)
    this.#socket = socket
    socket.on('data', (packet: Buffer) => {
      const piece = this.#frame(packet)
      if (piece !== undefined && !this.#isOver && !this.push(piece)) socket.pause()
    })
    const end = (): void => {
      socket.destroy()
      this.#endOutput()
    }
    socket.on('end', end).on('error', end).on('close', end)
    for (const run of this.#whenConnected.splice(0)) run()
  }

  /** The output does not end before this is settled: who sees the end may then ask for the exit code. */
  endAfter(settled: Promise<unknown>): void {
    this.#beforeEnd = settled
  }

  /** Bytes from elsewhere (the log, before what is live), as output of `stream`. False: wait until more is wanted. */
  replay(stream: 'stdout' | 'stderr', data: Buffer): boolean {
    return this.#isEnded || this.push(this.#options.tty ? data : encodeFrame(stream, data))
  }

  /** Resolves when the client has taken what there was, or has gone. */
  wanted(): Promise<void> {
    return new Promise(resolve => (this.#isEnded ? resolve() : void this.#whenWanted.push(resolve)))
  }

  /** Ends the output: the process never ran, or is gone. */
  finish(): void {
    if (this.#socket === undefined) this.#endOutput()
    else this.#socket.destroy()
    for (const run of this.#whenConnected.splice(0)) run()
  }

  override _read(): void {
    this.#socket?.resume()
    for (const run of this.#whenWanted.splice(0)) run()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.#options.stdin || this.#isOver) return done()
    const { forward, detached } = this.#scanner?.push(chunk) ?? { forward: chunk, detached: false }
    this.#connected(socket => {
      const finished = (): void => {
        if (detached) this.#detach()
        done()
      }
      if (socket === undefined || !socket.writable) return finished()
      // One packet under way at a time: queued writes would be joined into one packet and cut.
      const send = (offset: number): void => {
        if (offset >= forward.length || !socket.writable) return finished()
        socket.write(forward.subarray(offset, offset + PACKET_BYTES_MAX), () => send(offset + PACKET_BYTES_MAX))
      }
      send(0)
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#options.endsWithInput === true) {
      this.#leave()
      return done()
    }
    if (!this.#options.stdin) return done()
    this.#connected(socket => {
      socket?.end()
      done()
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#letGo()
    this.#isEnded = true
    for (const run of [...this.#whenConnected.splice(0), ...this.#whenWanted.splice(0)]) run()
    done(error)
  }

  #detach(): void {
    if (this.#isOver) return
    this.#leave()
    this.#options.onDetach?.()
  }

  /** Ends the conversation; the process goes on. */
  #leave(): void {
    this.#beforeEnd = undefined
    this.#endOutput()
    this.#letGo()
  }

  #letGo(): void {
    const { lobby } = this.#options
    if (this.#socket === undefined || this.#socket.destroyed) return
    if (lobby === undefined) this.#socket.destroy()
    else lobby.park(this.#socket)
  }

  #endOutput(): void {
    if (this.#isOver) return
    this.#isOver = true
    const end = (): void => {
      this.#isEnded = true
      this.push(null)
    }
    if (this.#beforeEnd === undefined) end()
    else void this.#beforeEnd.then(end, end)
  }

  #connected(run: (socket: Socket | undefined) => void): void {
    if (this.#socket !== undefined || this.destroyed || this.#isOver) run(this.#socket)
    else this.#whenConnected.push(() => run(this.#socket))
  }

  #frame(packet: Buffer): Buffer | undefined {
    if (this.#options.isDeaf === true) return undefined
    const data = packet.subarray(1)
    if (this.#options.tty) return data
    if (packet[0] === CONMON_STDOUT && this.#options.stdout) return encodeFrame('stdout', data)
    if (packet[0] === CONMON_STDERR && this.#options.stderr) return encodeFrame('stderr', data)
    return undefined
  }
}
