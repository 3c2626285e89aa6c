import type { Duplex } from 'node:stream'
import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { LineListener } from './collect-output.ts'

/** How a command on a host ended, with all it said. */
export interface RemoteResult {
  /** Exit code; of a command that a signal ended, 128 and the signal's number where it is known, else 255. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Given to the command and then ended; absent: nothing. */
  readonly stdin?: string | Buffer
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Hears each line of either stream as it comes. */
  readonly onLine?: LineListener
}

/**
 * Commands on one host. Words are passed as they are: no shell of ours takes them apart. A command that fails is a
 * result; a host that cannot be reached, refuses us or goes away is an error of `ssh/failure.ts`.
 */
export interface Transport {
  readonly run: (words: readonly string[], options: RunOptions) => Promise<RemoteResult>
  /** A connection to a socket on the host. */
  readonly dialSocket: (path: string, signal?: AbortSignal) => Promise<Duplex>
  readonly close: () => Promise<void>
}

/** A transport that also carries bytes to and fro, for as long as somebody talks. */
export interface StreamTransport extends Transport {
  /** Whether a dial fails where nobody listens; else the stream that comes of it is closed in silence. */
  readonly refusesDials: boolean
  /** A connection from the host to an address that it can reach. */
  readonly dialHost: (host: string, port: number, signal?: AbortSignal) => Promise<Duplex>
  /**
   * A command on the host, its input and output as a stream. One that fails before it has said anything ends the stream with
   * REMOTE_FAILED, which names its last words.
   */
  readonly dialCommand: (words: readonly string[], signal?: AbortSignal) => Promise<Duplex>
}

/** What connecting uses of the world. */
export interface ConnectPorts {
  readonly clock: Clock
  readonly random: Random
  /** Where ssh finds its agent. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** A configuration of ssh to read instead of the person's and this machine's. */
  readonly configFile?: string
  /** Has something done if this process ends before what is returned is called. It cannot wait. Absent: what outlives it stays. */
  readonly atExit?: (undo: () => void) => () => void
}
