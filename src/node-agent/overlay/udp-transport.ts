import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { errorCode, errorMessage, failed } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { ProbeListener, ProbeTransport } from './peer-probe.ts'

export const PROBE_PORT = 4788

/** A socket connected to one host: only those hear that the host's port is closed. */
interface Line {
  readonly socket: Socket
  isConnected: boolean
}

/** Probes over UDP between the hosts' own addresses. */
export function udpTransport(hostAddress: string, log: Log): ProbeTransport {
  return new UdpTransport(hostAddress, log)
}

class UdpTransport implements ProbeTransport {
  readonly #hostAddress: string
  readonly #log: Log
  readonly #lines = new Map<string, Line>()
  #followed: ReadonlySet<string> = new Set()
  #listener: ProbeListener | undefined
  #socket: Socket | undefined

  constructor(hostAddress: string, log: Log) {
    this.#hostAddress = hostAddress
    this.#log = log
  }

  async open(listener: ProbeListener): Promise<void> {
    const socket = createSocket({ type: 'udp4' })
    socket.on('message', (packet, from) => listener.receive(from.address, packet))
    socket.bind({ address: this.#hostAddress, port: PROBE_PORT, exclusive: true })
    try {
      await once(socket, 'listening')
    } catch (cause) {
      const message = `Cannot listen on ${this.#hostAddress}:${PROBE_PORT}/udp: is another agent running on this address?`
      throw failed('PROBE_PORT', message, { cause })
    }
    socket.on('error', error => this.#log.warn({ error: errorMessage(error) }, 'peer probe socket failed'))
    socket.unref()
    this.#socket = socket
    this.#listener = listener
  }

  send(host: string, packet: Buffer): void {
    if (this.#socket === undefined) return
    const line = this.#followed.has(host) ? this.#lineTo(host) : undefined
    // A host that is unreachable is what probing is about.
    if (line?.isConnected === true) line.socket.send(packet, error => this.#noteRefusal(host, error))
    else this.#socket.send(packet, PROBE_PORT, host, () => {})
  }

  follow(hosts: ReadonlySet<string>): void {
    this.#followed = hosts
    for (const host of this.#lines.keys()) if (!hosts.has(host)) this.#drop(host)
  }

  close(): void {
    this.follow(new Set())
    this.#socket?.close()
    this.#socket = undefined
    this.#listener = undefined
  }

  #lineTo(host: string): Line {
    const found = this.#lines.get(host)
    if (found !== undefined) return found
    const socket = createSocket({ type: 'udp4' })
    const line: Line = { socket, isConnected: false }
    this.#lines.set(host, line)
    socket.on('connect', () => {
      line.isConnected = true
    })
    socket.on('error', error => {
      // Whatever else is wrong with it, such as no route when it was made, may be better with the next one.
      if (!this.#noteRefusal(host, error) && this.#lines.get(host) === line) this.#drop(host)
    })
    socket.bind({ address: this.#hostAddress, port: 0, exclusive: true })
    socket.connect(PROBE_PORT, host)
    socket.unref()
    return line
  }

  /** The kernel tells of a refusal at the next call on the socket, whichever it is. */
  #noteRefusal(host: string, error: unknown): boolean {
    if (errorCode(error) !== 'ECONNREFUSED') return false
    if (this.#followed.has(host)) this.#listener?.refused(host)
    return true
  }

  #drop(host: string): void {
    this.#lines.get(host)?.socket.close()
    this.#lines.delete(host)
  }
}
