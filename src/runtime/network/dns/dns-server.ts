import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { Clock } from '../../../core/clock.ts'
import { errorMessage, failed } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Random } from '../../../core/random.ts'
import { answerInside, type DnsTransport, type InsideNames, readQuery, refuse } from './dns-answer.ts'
import { askOutside, frame, unframe } from './dns-forward.ts'

const PORT = 53
const OUTSIDE_AT_ONCE_MAX = 512
const CONNECTIONS_MAX = 128
const CONNECTION_MS_MAX = 10_000

/** What a client may see: the names of its networks, and where its other questions go. */
export interface DnsScope {
  readonly names: InsideNames
  readonly upstreams: () => readonly string[]
}

export interface DnsServerOptions {
  /** Queries that come before it resolves wait for it; it must not reject. */
  readonly ready: () => Promise<void> | undefined
  /** The scope of the container that has this address on this network. */
  readonly scopeOf: (networkId: string, address: string) => DnsScope
}

/**
 * The engine's DNS server, on port 53 of every network's gateway: an address each container of the network reaches
 * whatever else it does, and that leaves port 53 inside of containers to themselves. Who asks is told by his address.
 */
export class DnsServer {
  readonly #options: DnsServerOptions
  readonly #ports: { readonly clock: Clock; readonly random: Random; readonly log: Log }
  readonly #listeners = new Map<string, () => void>()
  #outside = 0

  constructor(options: DnsServerOptions, ports: { readonly clock: Clock; readonly random: Random; readonly log: Log }) {
    this.#options = options
    this.#ports = ports
  }

  /** Starts to serve a network. A port that is taken leaves the network without names, and is logged. */
  async listen(networkId: string, gateway: string): Promise<void> {
    if (this.#listeners.has(networkId)) return
    const closers: (() => void)[] = []
    this.#listeners.set(networkId, () => closers.forEach(close => close()))
    try {
      closers.push(await this.#listenUdp(networkId, gateway), await this.#listenTcp(networkId, gateway))
    } catch (cause) {
      this.stop(networkId)
      const error = failed('DNS_PORT', `Cannot serve names on ${gateway}:53: free the port`, { cause })
      this.#ports.log.error({ networkId, error: errorMessage(error) }, 'network has no names')
    }
  }

  stop(networkId: string): void {
    this.#listeners.get(networkId)?.()
    this.#listeners.delete(networkId)
  }

  close(): void {
    for (const networkId of this.#listeners.keys()) this.stop(networkId)
  }

  async #listenUdp(networkId: string, gateway: string): Promise<() => void> {
    const socket = createSocket({ type: 'udp4' })
    socket.on('message', (query, from) => {
      void this.#answer(query, { networkId, address: from.address, transport: 'udp' }).then(answer => {
        if (answer !== undefined && this.#listeners.has(networkId)) socket.send(answer, from.port, from.address)
      })
    })
    socket.bind({ address: gateway, port: PORT, exclusive: true })
    await once(socket, 'listening')
    socket.on('error', error => this.#ports.log.warn({ networkId, error: error.message }, 'DNS socket failed'))
    socket.unref()
    return () => void socket.close()
  }

  async #listenTcp(networkId: string, gateway: string): Promise<() => void> {
    const connections = new Set<Socket>()
    const server = createServer(connection => {
      const limit = this.#ports.clock.setTimer(CONNECTION_MS_MAX, () => connection.destroy())
      connections.add(connection)
      connection.on('error', () => connection.destroy())
      connection.on('close', () => {
        limit.cancel()
        connections.delete(connection)
      })
      this.#serveConnection(networkId, connection)
    })
    server.maxConnections = CONNECTIONS_MAX
    server.listen({ host: gateway, port: PORT, exclusive: true })
    await once(server, 'listening')
    server.unref()
    return () => {
      server.close()
      for (const connection of connections) connection.destroy()
    }
  }

  #serveConnection(networkId: string, connection: Socket): void {
    let pending = Buffer.alloc(0)
    const address = connection.remoteAddress ?? ''
    connection.on('data', (chunk: Buffer) => {
      const { messages, rest } = unframe(Buffer.concat([pending, chunk]))
      pending = Buffer.from(rest)
      for (const query of messages) {
        void this.#answer(query, { networkId, address, transport: 'tcp' }).then(answer => {
          if (answer !== undefined && connection.writable) connection.write(frame(answer))
        })
      }
    })
  }

  async #answer(
    bytes: Buffer,
    from: { readonly networkId: string; readonly address: string; readonly transport: DnsTransport },
  ): Promise<Buffer | undefined> {
    const query = readQuery(bytes)
    if (query === undefined) return undefined
    const { packet, question } = query
    const { clock, random, log } = this.#ports
    try {
      await this.#options.ready()
      const scope = this.#options.scopeOf(from.networkId, from.address)
      const inside = answerInside(packet, question, { names: scope.names, random, transport: from.transport })
      if (inside !== undefined) return inside
      const upstreams = scope.upstreams()
      // With nobody to ask, a bare name is one of ours that does not exist; clients would repeat a failure for seconds.
      if (upstreams.length === 0) return refuse(packet, question.name.includes('.') ? 'servfail' : 'nxdomain')
      if (this.#outside >= OUTSIDE_AT_ONCE_MAX) return refuse(packet, 'servfail')
      this.#outside++
      try {
        return (await askOutside(bytes, upstreams, { transport: from.transport, clock })) ?? refuse(packet, 'servfail')
      } finally {
        this.#outside--
      }
    } catch (error) {
      log.warn({ name: question.name, error: errorMessage(error) }, 'DNS query failed')
      return refuse(packet, 'servfail')
    }
  }
}
