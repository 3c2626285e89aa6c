import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { type Clock, withDeadline } from '../../../core/clock.ts'
import { errorCode, unavailable } from '../../../core/errors.ts'
import type { StreamTransport } from '../../../machine/index.ts'
import {
  detourOf,
  type Endpoint,
  endpointsOf,
  isKeptFromUser,
  readReport,
  reportCommand,
  type SocketReport,
  socketsAmong,
} from './endpoints.ts'
import type { SshAddress } from './ssh-address.ts'
import type { Wanted } from './tunnels-port.ts'

/** Connecting to all hosts in between, and looking for an engine on the last one. */
const FIND_MS_MAX = 90_000
const REPORT_MS_MAX = 20_000
const ANSWER_MS_MAX = 10_000
/** Less than sshd's MaxSessions, which is 10. */
const COMMANDS_PER_CONNECTION = 8

/** Makes streams that lead to whoever is wanted on the host. */
type Way = (signal: AbortSignal) => Promise<Duplex>

interface Connection {
  readonly transport: Promise<StreamTransport>
  commands: number
}

export interface TunnelPorts {
  readonly clock: Clock
  readonly connect: (signal: AbortSignal) => Promise<StreamTransport>
}

/** The way over SSH to the engine or manager of one host: found once, when it is first needed. */
export class Tunnel {
  readonly #address: SshAddress
  readonly #wanted: Wanted
  readonly #ports: TunnelPorts
  readonly #ending = new AbortController()
  readonly #connections: Connection[] = []
  #way: Promise<Way> | undefined

  constructor(address: SshAddress, wanted: Wanted, ports: TunnelPorts) {
    this.#address = address
    this.#wanted = wanted
    this.#ports = ports
  }

  /** Another stream. A connection that was lost meanwhile is made anew, once. */
  async dial(signal: AbortSignal): Promise<Duplex> {
    try {
      return await this.#dialOnce(signal)
    } catch (error) {
      if (errorCode(error) !== 'SSH_LOST' || signal.aborted) throw error
      return this.#dialOnce(signal)
    }
  }

  /** Ends every stream. */
  async close(): Promise<void> {
    this.#ending.abort(new Error('the command has ended'))
    const closing = this.#connections.map(({ transport }) => transport.then(open => open.close()))
    await Promise.allSettled(closing)
  }

  async #dialOnce(signal: AbortSignal): Promise<Duplex> {
    this.#way ??= this.#find()
    const way = this.#way
    try {
      return await (await this.#inTime(() => way, FIND_MS_MAX, signal))(signal)
    } catch (error) {
      // Who asks again, such as a loop that waits for an engine, gets another try; but no second login with keys that do not fit.
      const mayPass = ['SSH_LOST', 'SSH_UNREACHABLE', 'ENGINE_UNAVAILABLE'].includes(errorCode(error) ?? '')
      if (mayPass && this.#way === way) {
        this.#way = undefined
        await this.#hangUp()
      }
      throw error
    }
  }

  async #hangUp(): Promise<void> {
    const connections = this.#connections.splice(0)
    await Promise.allSettled(connections.map(({ transport }) => transport.then(open => open.close())))
  }

  async #find(): Promise<Way> {
    const transport = await this.#connect().transport
    const { first, others } = endpointsOf(this.#address, this.#wanted)
    const nearest = await this.#firstWay(transport, first)
    if (nearest !== undefined) return nearest
    if (others.length > 0) {
      // What is meant for a cluster is not done by one engine because the user may not ask the manager.
      const report = await this.#report(transport, first).catch(() => undefined)
      this.#ending.signal.throwIfAborted()
      if (report !== undefined && isKeptFromUser(report)) return this.#detour(report)
      const other = await this.#firstWay(transport, others)
      if (other !== undefined) return other
    }
    return this.#detour(await this.#report(transport, [...first, ...others]))
  }

  async #firstWay(transport: StreamTransport, endpoints: readonly Endpoint[]): Promise<Way | undefined> {
    for (const endpoint of endpoints) {
      const way = this.#wayTo(transport, endpoint)
      if (await this.#leadsThere(way, transport)) return way
    }
    return undefined
  }

  async #report(transport: StreamTransport, endpoints: readonly Endpoint[]): Promise<SocketReport> {
    const { signal } = this.#ending
    const { stdout } = await transport.run(reportCommand(socketsAmong(endpoints)), { timeoutMs: REPORT_MS_MAX, signal })
    return readReport(stdout)
  }

  #detour(report: SocketReport): Way {
    const detour = detourOf(this.#address, report)
    if ('error' in detour) throw detour.error
    return signal => this.#dialCommand(detour.words, signal)
  }

  #wayTo(transport: StreamTransport, endpoint: Endpoint): Way {
    const cannot = (error: unknown): unknown => {
      if (errorCode(error)?.startsWith('SSH_') === true) return error
      const at = endpoint.kind === 'socket' ? endpoint.path : `${endpoint.host}:${endpoint.port}`
      const why = `nothing answers at ${at} on ${this.#address.host} any more`
      return unavailable('ENGINE_UNAVAILABLE', `Cannot connect to ${this.#address.text}: ${why}`, { cause: error })
    }
    return async signal => {
      try {
        return endpoint.kind === 'socket'
          ? await transport.dialSocket(endpoint.path, signal)
          : await transport.dialHost(endpoint.host, endpoint.port, signal)
      } catch (error) {
        signal.throwIfAborted()
        throw cannot(error)
      }
    }
  }

  async #leadsThere(way: Way, transport: StreamTransport): Promise<boolean> {
    try {
      const stream = await way(this.#ending.signal)
      const isThere = transport.refusesDials || (await this.#answers(stream))
      stream.destroy()
      return isThere
    } catch (error) {
      if (errorCode(error) !== 'ENGINE_UNAVAILABLE') throw error
      return false
    }
  }

  /** Whether anything is said at all: a forwarded connection that leads nowhere is closed in silence. */
  async #answers(stream: Duplex): Promise<boolean> {
    stream.on('error', () => {})
    stream.write('GET /_ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    const heard = async (signal: AbortSignal): Promise<boolean> => {
      const quiet = Promise.race([once(stream, 'end', { signal }), once(stream, 'close', { signal })]).then(() => false)
      return Promise.race([once(stream, 'data', { signal }).then(() => true), quiet])
    }
    return this.#inTime(heard, ANSWER_MS_MAX, this.#ending.signal).catch(() => false)
  }

  #connect(): Connection {
    const connection: Connection = { transport: this.#ports.connect(this.#ending.signal), commands: 0 }
    connection.transport.catch(() => {})
    this.#connections.push(connection)
    return connection
  }

  /** Each stream is a session of sshd, of which one connection has few: followers of many logs need several. */
  async #dialCommand(words: readonly string[], signal: AbortSignal): Promise<Duplex> {
    const free = this.#connections.find(({ commands }) => commands < COMMANDS_PER_CONNECTION)
    const connection = free ?? this.#connect()
    connection.commands++
    const giveBack = (): void => void connection.commands--
    try {
      const transport = await this.#inTime(() => connection.transport, FIND_MS_MAX, signal)
      const stream = await transport.dialCommand(words, signal)
      stream.once('close', giveBack)
      return stream
    } catch (error) {
      giveBack()
      throw error
    }
  }

  #inTime<T>(work: (signal: AbortSignal) => Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
    return withDeadline(work, ms, {
      clock: this.#ports.clock,
      signal,
      onTimeout: () => unavailable('ENGINE_SILENT', `${this.#address.text} cannot be reached within ${ms / 1_000} s`),
    })
  }
}
