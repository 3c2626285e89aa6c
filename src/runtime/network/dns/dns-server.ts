import { createSocket } from 'node:dgram'
import { createServer, type Socket } from 'node:net'
import type { Clock } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Random } from '../../../core/random.ts'
import { answerInside, type DnsTransport, type InsideNames, readQuery, refuse } from './dns-answer.ts'
import { askOutside, frame, unframe } from './dns-forward.ts'
import type { ResolverSockets } from './resolver-sockets.ts'

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
  readonly scopeOf: (containerId: string) => DnsScope
}

interface Asker {
  readonly containerId: string
  readonly transport: DnsTransport
}

/** The engine's DNS server. It has sockets inside of each container: who asks is told by the socket. */
export class DnsServer {
  readonly #options: DnsServerOptions
  readonly #ports: { readonly clock: Clock; readonly random: Random; readonly log: Log }
  readonly #closers = new Map<string, () => void>()
  #outside = 0

  constructor(options: DnsServerOptions, ports: { readonly clock: Clock; readonly random: Random; readonly log: Log }) {
    this.#options = options
    this.#ports = ports
  }

  /** Takes the sockets over and answers what comes in on them. */
  serve(containerId: string, { udp, tcp }: ResolverSockets): void {
    this.stop(containerId)
    const closers = [this.#serveUdp(containerId, udp.fd), this.#serveTcp(containerId, tcp.fd)]
    this.#closers.set(containerId, () => {
      for (const close of closers) close()
    })
  }

  isServing(containerId: string): boolean {
    return this.#closers.has(containerId)
  }

  stop(containerId: string): void {
    this.#closers.get(containerId)?.()
    this.#closers.delete(containerId)
  }

  close(): void {
    for (const containerId of this.#closers.keys()) this.stop(containerId)
  }

  #serveUdp(containerId: string, fd: number): () => void {
    const socket = createSocket({ type: 'udp4' })
    let isOpen = true
    socket.on('error', error => this.#ports.log.warn({ containerId, error: error.message }, 'DNS socket failed'))
    socket.on('message', (query, from) => {
      void this.#answer(query, { containerId, transport: 'udp' }).then(answer => {
        if (answer !== undefined && isOpen) socket.send(answer, from.port, from.address)
      })
    })
    socket.bind({ fd })
    socket.unref()
    return () => {
      isOpen = false
      socket.close()
    }
  }

  #serveTcp(containerId: string, fd: number): () => void {
    const connections = new Set<Socket>()
    const server = createServer(connection => {
      const limit = this.#ports.clock.setTimer(CONNECTION_MS_MAX, () => connection.destroy())
      connections.add(connection)
      connection.on('error', () => connection.destroy())
      connection.on('close', () => {
        limit.cancel()
        connections.delete(connection)
      })
      this.#serveConnection(containerId, connection)
    })
    server.on('error', error => this.#ports.log.warn({ containerId, error: error.message }, 'DNS socket failed'))
    server.maxConnections = CONNECTIONS_MAX
    server.listen({ fd })
    server.unref()
    return () => {
      server.close()
      for (const connection of connections) connection.destroy()
    }
  }

  #serveConnection(containerId: string, connection: Socket): void {
    let pending = Buffer.alloc(0)
    connection.on('data', (chunk: Buffer) => {
      const { messages, rest } = unframe(Buffer.concat([pending, chunk]))
      pending = Buffer.from(rest)
      for (const query of messages) {
        void this.#answer(query, { containerId, transport: 'tcp' }).then(answer => {
          if (answer !== undefined && connection.writable) connection.write(frame(answer))
        })
      }
    })
  }

  async #answer(bytes: Buffer, { containerId, transport }: Asker): Promise<Buffer | undefined> {
    const query = readQuery(bytes)
    if (query === undefined) return undefined
    const { packet, question } = query
    const { clock, random, log } = this.#ports
    try {
      await this.#options.ready()
      const scope = this.#options.scopeOf(containerId)
      const inside = answerInside(packet, question, { names: scope.names, random, transport })
      if (inside !== undefined) return inside
      const upstreams = scope.upstreams()
      // With nobody to ask, a bare name is one of ours that does not exist; clients would repeat a failure for seconds.
      if (upstreams.length === 0) return refuse(packet, question.name.includes('.') ? 'servfail' : 'nxdomain')
      if (this.#outside >= OUTSIDE_AT_ONCE_MAX) return refuse(packet, 'servfail')
      this.#outside++
      try {
        return (await askOutside(bytes, upstreams, { transport, clock })) ?? refuse(packet, 'servfail')
      } finally {
        this.#outside--
      }
    } catch (error) {
      log.warn({ name: question.name, error: errorMessage(error) }, 'DNS query failed')
      return refuse(packet, 'servfail')
    }
  }
}
