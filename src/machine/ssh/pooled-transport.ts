import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import ssh2, {
  type AnyAuthMethod,
  type Client,
  type ClientChannel,
  type ConnectConfig,
  type ParsedKey,
  type SFTPWrapper,
} from 'ssh2'
import { withDeadline } from '../../core/clock.ts'
import { failed, type ShoalError } from '../../core/errors.ts'
import { CollectedOutput } from './collect-output.ts'
import { type Attempt, badKey, commandFailed, connectFailure, lostConnection } from './failure.ts'
import { type HostKey, readHostKey } from './host-key.ts'
import { type HostKeyPolicy, judgeHostKey, wantedSignatures } from './host-key-policy.ts'
import { shellLine } from './quote.ts'
import { RemoteStream } from './remote-stream.ts'
import { Slots } from './slots.ts'
import type { ConnectPorts, RemoteResult, RunOptions, StreamTransport } from './transport.ts'

/** OpenSSH's MaxSessions is 10; two are left to others who share the connection's account. */
const CHANNELS_MAX = 8
const HANDSHAKE_MS_MAX = 20_000
/** After this long without an answer to two questions a host counts as gone. */
const KEEPALIVE_MS = 10_000
const KEEPALIVES_MAX = 2
const UPLOAD_MS_MAX = 600_000
const DIAL_MS_MAX = 20_000
/** What ssh ends with where the host does not say how a command ended. */
const UNKNOWN_CODE = 255

interface KeyCredential {
  /** The file it was read from. */
  readonly label: string
  readonly key: Buffer
  readonly passphrase?: string
  /** Nobody named it: passed over if it cannot be read, as long as there is another. */
  readonly isOptional?: boolean
}

/** A private key, or an agent that has some; they are offered in order. */
export type Credential = KeyCredential | { readonly label: string; readonly agent: string }

export interface Destination {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly credentials: readonly Credential[]
  readonly hostKey: HostKeyPolicy
  /** Hears the key that the store is to pin. */
  readonly onPin?: (key: HostKey) => void
  /** A connection that leads there already: through a jump host. */
  readonly via?: Duplex
}

type PooledPorts = Pick<ConnectPorts, 'clock' | 'random'>

/** One connection that all commands for a host share. Made by `connect`. */
export class PooledTransport implements StreamTransport {
  readonly refusesDials = true
  readonly #client: Client
  readonly #host: string
  readonly #ports: PooledPorts
  readonly #slots = new Slots(CHANNELS_MAX)
  #lost: ShoalError | undefined

  private constructor(client: Client, host: string, ports: PooledPorts) {
    this.#client = client
    this.#host = host
    this.#ports = ports
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
  static async connect(to: Destination, ports: PooledPorts, signal: AbortSignal): Promise<PooledTransport> {
    const client = new ssh2.Client()
    try {
      await withDeadline(inner => login(client, to, inner), HANDSHAKE_MS_MAX, {
        clock: ports.clock,
        signal,
        onTimeout: () => connectFailure(new Error('no answer within 20 s'), attemptOf(to)),
      })
    } catch (error) {
      client.on('error', () => {})
      client.destroy()
      // It may have failed before the client was given it.
      to.via?.destroy()
      throw error
    }
    return new PooledTransport(client, to.host, ports)
  }

  async run(words: readonly string[], { stdin, timeoutMs, signal, onLine }: RunOptions): Promise<RemoteResult> {
    const command = words[0] ?? ''
    return this.#withChannel(
      client => promised<ClientChannel>(done => client.exec(shellLine(words), done)),
      channel => {
        const stdout = new CollectedOutput(channel, onLine)
        const stderr = new CollectedOutput(channel.stderr, onLine)
        channel.end(stdin ?? '')
        return ended(channel).then(code => ({ code, stdout: stdout.finish(), stderr: stderr.finish() }))
      },
      {
        timeoutMs,
        signal,
        onTimeout: () =>
          failed('REMOTE_TIMEOUT', `${command} on ${this.#host} did not end within ${timeoutMs / 1_000} s`),
      },
    )
  }

  async upload(
    content: Buffer,
    path: string,
    { mode, signal }: { readonly mode: number; readonly signal?: AbortSignal },
  ): Promise<void> {
    const temporary = `${path}.${this.#ports.random.bytes(6).toString('hex')}`
    await this.#withChannel(
      client => promised<SFTPWrapper>(done => client.sftp(done)),
      async sftp => {
        try {
          await promised<void>(done => sftp.writeFile(temporary, content, { mode }, done))
          // The plain rename of SFTP fails where the file is there already.
          await promised<void>(done => sftp.ext_openssh_rename(temporary, path, done))
        } catch (cause) {
          sftp.unlink(temporary, () => {})
          throw failed('UPLOAD_FAILED', `Cannot write ${path} on ${this.#host}`, { cause })
        }
      },
      {
        timeoutMs: UPLOAD_MS_MAX,
        signal,
        onTimeout: () => failed('REMOTE_TIMEOUT', `${path} could not be written on ${this.#host} within ten minutes`),
      },
    )
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
      const channel = await this.#open(words[0] ?? '', (client, done) => client.exec(shellLine(words), done), signal)
      const stderr = new CollectedOutput(channel.stderr)
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

  async close(): Promise<void> {
    this.#client.end()
  }

  /** Without a slot: sshd's MaxSessions counts commands, not forwarded connections, and a follower keeps one for as long as it likes. */
  async #dial(what: string, open: Opening, signal?: AbortSignal): Promise<Duplex> {
    const channel = await this.#open(what, open, signal)
    const stream = streamOf(channel)
    channel.once('close', () => stream.finish())
    return stream
  }

  /** A host that drops packets never answers, and SSH has no deadline of its own for it. */
  #open(what: string, open: Opening, signal: AbortSignal | undefined): Promise<ClientChannel> {
    let isGivenUp = false
    const opening = (): Promise<ClientChannel> =>
      promised<ClientChannel>(done =>
        open(this.#client, (error, channel) => {
          if (isGivenUp && error === undefined) channel.close()
          done(error, channel)
        }),
      )
    return this.#withinTime(opening, {
      timeoutMs: DIAL_MS_MAX,
      signal,
      onTimeout: () => failed('REMOTE_TIMEOUT', `${this.#host} could not connect to ${what} within 20 s`),
    }).catch((error: unknown) => {
      isGivenUp = true
      throw error
    })
  }

  async #withChannel<C extends ClientChannel | SFTPWrapper, T>(
    open: (client: Client) => Promise<C>,
    use: (channel: C) => Promise<T>,
    limits: Limits,
  ): Promise<T> {
    const giveBack = await this.#slots.take(limits.signal)
    let channel: C | undefined
    let isGivenUp = false
    try {
      const result = await this.#withinTime(async () => {
        const opened = await open(this.#client)
        channel = opened
        if (!isGivenUp) return use(opened)
        // Nobody waits for it any more: it must not begin to change anything.
        hangUp(opened)
        throw lostConnection(this.#host, 'it was given up')
      }, limits)
      channel?.end()
      return result
    } catch (error) {
      isGivenUp = true
      if (channel !== undefined) hangUp(channel)
      throw error
    } finally {
      giveBack()
    }
  }

  /** Ends early, with the reason, when the connection is lost: whoever waits for a channel is not told by ssh2. */
  async #withinTime<T>(work: () => Promise<T>, { timeoutMs, signal, onTimeout }: Limits): Promise<T> {
    if (this.#lost !== undefined) throw this.#lost
    const lost = Promise.withResolvers<never>()
    const onClose = (): void => lost.reject(this.#lost)
    this.#client.once('close', onClose)
    try {
      return await withDeadline(() => Promise.race([work(), lost.promise]), timeoutMs, {
        clock: this.#ports.clock,
        signal,
        onTimeout,
      })
    } finally {
      this.#client.off('close', onClose)
      lost.promise.catch(() => {})
    }
  }
}

type Opening = (client: Client, done: (error: Error | undefined, channel: ClientChannel) => void) => unknown

function streamOf(channel: ClientChannel, isCommand = false): RemoteStream {
  return new RemoteStream({ output: channel, input: channel, isCommand, hangUp: () => channel.close() })
}

function hangUp(channel: ClientChannel | SFTPWrapper): void {
  // What `close` closes of SFTP is a file.
  if ('writeFile' in channel) channel.end()
  else channel.close()
}

interface Limits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly onTimeout: () => Error
}

function attemptOf({ user, host, port, credentials }: Destination, passedOver: readonly PassedOver[] = []): Attempt {
  const offered = credentials.map(({ label }) => label).filter(label => !passedOver.some(key => key.label === label))
  return { user, host, port, offered, passedOver: passedOver.map(({ label, why }) => `${label}: ${why}`) }
}

async function login(client: Client, to: Destination, signal: AbortSignal): Promise<void> {
  const { methods, passedOver } = loginMethods(to)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let refused: ShoalError | undefined
  let proven: HostKey | undefined
  const { hostKey } = to
  const wanted = wantedSignatures(hostKey)
  const config: ConnectConfig = {
    ...(to.via === undefined ? { host: to.host, port: to.port } : { sock: to.via }),
    username: to.user,
    readyTimeout: HANDSHAKE_MS_MAX,
    keepaliveInterval: KEEPALIVE_MS,
    keepaliveCountMax: KEEPALIVES_MAX,
    ...(wanted.length === 0 ? {} : { algorithms: { serverHostKey: wanted } }),
    hostVerifier: (bytes: Buffer): boolean => {
      const key = readHostKey(bytes)
      if (key === undefined) return false
      const verdict = judgeHostKey(hostKey, key)
      if (!verdict.trust) refused = verdict.error
      else if (verdict.pin) proven = key
      return verdict.trust
    },
    authHandler: methods,
  }
  client.once('ready', () => {
    // Only now: until its signature is checked, anybody may show the key.
    if (proven !== undefined) to.onPin?.(proven)
    resolve()
  })
  client.once('error', error => reject(refused ?? connectFailure(error, attemptOf(to, passedOver))))
  client.once('close', () =>
    reject(refused ?? connectFailure(new Error('it ended the connection'), attemptOf(to, passedOver))),
  )
  signal.addEventListener('abort', () => client.destroy(), { once: true })
  client.connect(config)
  return promise
}

interface PassedOver {
  readonly label: string
  readonly why: string
}

/** Each credential once: guessing on would look like an attack, and lock us out. Throws SSH_BAD_KEY. */
function loginMethods(to: Destination): {
  readonly methods: AnyAuthMethod[]
  readonly passedOver: readonly PassedOver[]
} {
  const methods: AnyAuthMethod[] = []
  const passedOver: PassedOver[] = []
  for (const credential of to.credentials) {
    if ('agent' in credential) {
      methods.push({ type: 'agent', username: to.user, agent: credential.agent })
      continue
    }
    const { label, isOptional = false } = credential
    const key = parseKey(credential)
    if (!(key instanceof Error)) methods.push({ type: 'publickey', username: to.user, key })
    else if (isOptional) passedOver.push({ label, why: key.message })
    else throw badKey(label, whereOf(to), key.message)
  }
  const [first] = passedOver
  if (methods.length === 0 && first !== undefined) throw badKey(first.label, whereOf(to), first.why)
  return { methods, passedOver }
}

function whereOf({ user, host, port }: Destination): string {
  return `${user}@${host}:${port}`
}

/** Read before anything is sent: ssh2 passes over a key that it cannot read. */
function parseKey({ key, passphrase }: KeyCredential): ParsedKey | Error {
  const parsed = ssh2.utils.parseKey(key, passphrase)
  const [first] = Array.isArray(parsed) ? parsed : [parsed]
  if (first === undefined || first instanceof Error) return first ?? new Error('it is empty')
  return first.isPrivateKey() ? first : new Error('it is not a private key')
}

/** Exit code of a channel. Only its closing is final: what it exits with may be told before its last output. */
function ended(channel: ClientChannel): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  channel.once('close', (code: number | null | undefined, name?: string) => {
    const number =
      name === undefined ? undefined : constants.signals[`SIG${name.replace(/^SIG/, '')}` as NodeJS.Signals]
    resolve(code ?? (number === undefined ? UNKNOWN_CODE : 128 + number))
  })
  return promise
}

function promised<T>(start: (done: (error: Error | undefined | null, value: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error instanceof Error ? reject(error) : resolve(value)))
  })
}
