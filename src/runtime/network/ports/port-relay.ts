import { createSocket, type Socket as DatagramSocket, type RemoteInfo } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import type { Clock } from '../../../core/clock.ts'
import { ipFamily } from '../../../core/ip.ts'

/** Where what comes in goes: an address and port of a container; undefined while it has none. */
export type RelayTarget = () => { readonly address: string; readonly port: number } | undefined

/**
 * Carries what the packet filter cannot: from the host's IPv6 addresses to a container with IPv4 alone, from ::1, and
 * everything when the engine may not write rules. The container sees the host as its client.
 */
export function relayConnection(client: Socket, target: RelayTarget): void {
  const to = target()
  client.on('error', () => client.destroy())
  if (to === undefined) {
    client.destroy()
    return
  }
  const server = connect({ host: to.address, port: to.port, allowHalfOpen: true })
  server.on('error', () => client.destroy())
  client.on('close', () => server.destroy())
  server.on('close', () => client.destroy())
  client.pipe(server)
  server.pipe(client)
}

/** Clients of a datagram port that are remembered, the last to speak, and for how long after their last word. */
const CLIENTS_MAX = 1_024
const CLIENT_IDLE_MS = 60_000

interface RelayClient {
  readonly socket: DatagramSocket
  readonly touch: () => void
  readonly close: () => void
}

/** Carries datagrams: each client gets a socket of ours, so that answers find their way back. */
export class DatagramRelay {
  readonly #socket: DatagramSocket
  readonly #target: RelayTarget
  readonly #clock: Clock
  readonly #clientsMax: number
  /** The one that was silent for longest stands first. */
  readonly #clients = new Map<string, RelayClient>()

  constructor(socket: DatagramSocket, target: RelayTarget, clock: Clock, clientsMax = CLIENTS_MAX) {
    this.#socket = socket
    this.#target = target
    this.#clock = clock
    this.#clientsMax = clientsMax
    socket.on('message', (data, from) => this.#carry(data, from))
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
  }

  #carry(data: Buffer, from: RemoteInfo): void {
    const to = this.#target()
    if (to === undefined) return
    const key = `${from.address} ${from.port}`
    const known = this.#clients.get(key) ?? this.#newClient(key, from, to.address)
    known.touch()
    known.socket.send(data, to.port, to.address)
  }

  #newClient(key: string, from: RemoteInfo, address: string): RelayClient {
    // A flood of addresses, which anybody can forge, must not lock out who comes after it.
    if (this.#clients.size >= this.#clientsMax) this.#clients.values().next().value?.close()
    const socket = createSocket(ipFamily(address) === 6 ? 'udp6' : 'udp4')
    const close = (): void => {
      if (this.#clients.get(key) !== client) return
      timer.cancel()
      this.#clients.delete(key)
      socket.close()
    }
    let timer = this.#clock.setTimer(CLIENT_IDLE_MS, close)
    const touch = (): void => {
      timer.cancel()
      timer = this.#clock.setTimer(CLIENT_IDLE_MS, close)
      this.#clients.delete(key)
      this.#clients.set(key, client)
    }
    socket.on('error', close)
    socket.on('message', answer => this.#socket.send(answer, from.port, from.address))
    socket.unref()
    const client: RelayClient = { socket, touch, close }
    this.#clients.set(key, client)
    return client
  }
}
