import type { Duplex } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import { type Clock, sleep, withDeadline } from '../../../core/clock.ts'
import { failed, type ShoalError, unavailable } from '../../../core/errors.ts'
import { CollectedOutput } from '../collect-output.ts'
import { commandFailed, lostConnection } from '../failure.ts'
import { COMMANDS_AT_ONCE_MAX } from '../limits.ts'
import { shellLine } from '../quote.ts'
import { Slots } from '../slots.ts'
import type { ConnectPorts, RemoteResult, RunOptions, StreamTransport } from '../transport.ts'
import { exitCodeOf, isTooMany, type Opening, openChannel, streamOf } from './channels.ts'
import { type Destination, logIn, type Session } from './login.ts'

const DIAL_MS_MAX = 20_000
/** Until a channel is there. A command has its own deadline, which may be a day. */
const OPEN_MS_MAX = 20_000
const GOODBYE_MS_MAX = 3_000
const RETRY_MS = 10
const RETRY_MS_MAX = 200
/** So often in a row a host is asked that takes no command although none of ours runs there. */
const TRIES_ALONE_MAX = 10

/** One connection that all commands for a host share. Made by `connect`. */
export class PooledTransport implements StreamTransport {
  readonly refusesDials = true
  readonly #client: Client
  readonly #wire: Duplex
  readonly #host: string
  readonly #clock: Clock
  readonly #slots = new Slots(COMMANDS_AT_ONCE_MAX)
  /** Commands that run there now. */
  #commands = 0
  #lost: ShoalError | undefined

  private constructor({ client, wire }: Session, host: string, clock: Clock) {
    this.#client = client
    this.#wire = wire
    this.#host = host
    this.#clock = clock
    // Each opening listens for a loss, and there may be any number of them.
    client.setMaxListeners(0)
    // For its whole life: ssh2 tells of a reset that comes after the end as an error that nobody may miss.
    client.on('error', error => {
      this.#lost ??= lostConnection(host, error.message)
    })
    client.on('close', () => {
      this.#lost ??= lostConnection(host, 'it ended')
    })
  }

  /** Connects and logs in, once: what fails is told with what was tried (`ssh/failure.ts`). */
  static async connect(
    to: Destination,
    ports: Pick<ConnectPorts, 'clock'>,
    signal: AbortSignal,
  ): Promise<PooledTransport> {
    return new PooledTransport(await logIn(to, ports, signal), to.host, ports.clock)
  }

  async run(words: readonly string[], { stdin, timeoutMs, signal, onLine }: RunOptions): Promise<RemoteResult> {
    const giveBack = await this.#slots.take(signal)
    const use = async (channel: ClientChannel): Promise<RemoteResult> => {
      const stdout = new CollectedOutput(channel, 'stdout', onLine)
      const stderr = new CollectedOutput(channel.stderr, 'stderr', onLine)
      channel.end(stdin ?? '')
      const code = await exitCodeOf(channel)
      return { code, stdout: stdout.finish(), stderr: stderr.finish() }
    }
    const onTimeout = (): Error =>
      failed('REMOTE_TIMEOUT', `${words[0] ?? ''} on ${this.#host} did not end within ${timeoutMs / 1_000} s`)
    try {
      return await this.#withChannel(inner => this.#start(words, inner), use, { timeoutMs, signal, onTimeout })
    } finally {
      giveBack()
    }
  }

  async dialSocket(path: string, signal?: AbortSignal): Promise<Duplex> {
    return this.#dial(path, (client, done) => client.openssh_forwardOutStreamLocal(path, done), signal)
  }

  async dialHost(host: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    return this.#dial(`${host}:${port}`, (client, done) => client.forwardOut('127.0.0.1', 0, host, port, done), signal)
  }

  /** The stream keeps one of the connection's channels until it closes. */
  async dialCommand(words: readonly string[], signal?: AbortSignal): Promise<Duplex> {
    const giveBack = await this.#slots.take(signal)
    try {
      const channel = await this.#open(words[0] ?? '', inner => this.#start(words, inner), signal)
      const stderr = new CollectedOutput(channel.stderr, 'stderr')
      const stream = streamOf(channel, true)
      let hasSpoken = false
      channel.once('data', () => {
        hasSpoken = true
      })
      channel.once('close', (code?: number | null) => {
        giveBack()
        stream.finish(code === 0 || hasSpoken ? undefined : commandFailed(this.#host, words, stderr.finish()))
      })
      return stream
    } catch (error) {
      giveBack()
      throw error
    }
  }

  /** Says goodbye, and hangs up on a host that does not answer that: one that was switched off would keep our process for minutes. */
  async close(): Promise<void> {
    if (this.#lost !== undefined) return
    const hangUp = this.#clock.setTimer(GOODBYE_MS_MAX, () => this.#wire.destroy())
    this.#client.once('close', () => hangUp.cancel())
    this.#client.end()
  }

  /** Without a slot: sshd's MaxSessions counts commands, not forwarded connections, and a follower keeps one for as long as it likes. */
  async #dial(what: string, open: Opening, signal?: AbortSignal): Promise<Duplex> {
    const channel = await this.#open(what, () => openChannel(this.#client, open), signal)
    const stream = streamOf(channel)
    channel.once('close', () => stream.finish())
    return stream
  }

  /** A host that drops packets never answers, and SSH has no deadline of its own for it. */
  #open(what: string, open: Open, signal: AbortSignal | undefined): Promise<ClientChannel> {
    const onTimeout = (): Error => failed('REMOTE_TIMEOUT', `${this.#host} could not connect to ${what} within 20 s`)
    return this.#withChannel(open, async channel => channel, { timeoutMs: DIAL_MS_MAX, signal, onTimeout })
  }

  /**
   * A channel on which a command runs. sshd still counts one that has ended until it has cleared up behind it, and may be told to
   * take fewer than we have slots: then it is asked again, as long as others of ours are to end there.
   */
  async #start(words: readonly string[], signal: AbortSignal): Promise<ClientChannel> {
    let triesAlone = 0
    for (let tries = 1; ; tries++) {
      try {
        const channel = await this.#openForCommand(words, signal)
        this.#commands++
        channel.once('close', () => void this.#commands--)
        return channel
      } catch (cause) {
        if (!isTooMany(cause)) throw cause
        triesAlone = this.#commands === 0 ? triesAlone + 1 : 0
        if (triesAlone >= TRIES_ALONE_MAX) throw takesNone(this.#host, cause)
        await sleep(this.#clock, Math.min(RETRY_MS * 2 ** tries, RETRY_MS_MAX), signal)
      }
    }
  }

  /** sshd may hang, or wait for a disk, although the kernel over there goes on answering. */
  async #openForCommand(words: readonly string[], signal: AbortSignal): Promise<ClientChannel> {
    const opening = openChannel(this.#client, (client, done) => client.exec(shellLine(words), done))
    const onTimeout = (): Error => startsNothing(this.#host)
    try {
      return await withDeadline(() => opening, OPEN_MS_MAX, { clock: this.#clock, signal, onTimeout })
    } catch (error) {
      // It may still be opened, when nobody waits for it any more.
      opening.then(
        channel => channel.close(),
        () => {},
      )
      throw error
    }
  }

  /** What fails or takes too long gives its channel back, and one that is opened when nobody waits for it any more is not used. */
  async #withChannel<T>(open: Open, use: (channel: ClientChannel) => Promise<T>, limits: Limits): Promise<T> {
    const opened: ClientChannel[] = []
    let isGivenUp = false
    const work = async (inner: AbortSignal): Promise<T> => {
      const channel = await open(inner)
      opened.push(channel)
      if (!isGivenUp) return use(channel)
      channel.close()
      throw lostConnection(this.#host, 'it was given up')
    }
    try {
      return await this.#withinTime(work, limits)
    } catch (error) {
      isGivenUp = true
      for (const channel of opened) channel.close()
      throw error
    }
  }

  /** Ends early, with the reason, when the connection is lost: whoever waits for a channel is not told by ssh2. */
  async #withinTime<T>(
    work: (signal: AbortSignal) => Promise<T>,
    { timeoutMs, signal, onTimeout }: Limits,
  ): Promise<T> {
    if (this.#lost !== undefined) throw this.#lost
    const lost = Promise.withResolvers<never>()
    const onClose = (): void => lost.reject(this.#lost)
    this.#client.once('close', onClose)
    try {
      return await withDeadline(inner => Promise.race([work(inner), lost.promise]), timeoutMs, {
        clock: this.#clock,
        signal,
        onTimeout,
      })
    } finally {
      this.#client.off('close', onClose)
      lost.promise.catch(() => {})
    }
  }
}

interface Limits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly onTimeout: () => Error
}

type Open = (signal: AbortSignal) => Promise<ClientChannel>

function startsNothing(host: string): ShoalError {
  const limit = `${OPEN_MS_MAX / 1_000} s`
  return unavailable('SSH_LOST', `${host} let us in and has started no command within ${limit}: does its sshd hang?`)
}

function takesNone(host: string, cause: unknown): ShoalError {
  return failed('SSH_FAILED', `${host} takes no commands over SSH: raise MaxSessions in its sshd_config`, { cause })
}
