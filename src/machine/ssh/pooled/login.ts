import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import ssh2, { type AnyAuthMethod, type Client, type ConnectConfig, type ParsedKey } from 'ssh2'
import { type Clock, type Timer, withDeadline } from '../../../core/clock.ts'
import type { ShoalError } from '../../../core/errors.ts'
import { type Attempt, badKey, connectFailure, type LoginStage, silentHost, slowLogin } from '../failure.ts'
import { type HostKey, readHostKey } from '../host-key.ts'
import { type HostKeyPolicy, judgeHostKey, wantedSignatures } from '../host-key-policy.ts'
import { KEEPALIVE_S, KEEPALIVES_MAX } from '../limits.ts'
import type { ConnectPorts } from '../transport.ts'

/** A host that has work to do answers late, and is not given up before it says nothing for so long. */
const SILENCE_MS_MAX = 20_000
/** However much it says. sshd itself hangs up after as long (LoginGraceTime). */
const LOGIN_MS_MAX = 120_000

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

/** Somebody who is in. */
export interface Session {
  readonly client: Client
  /** What the client speaks through: once it has said goodbye, it does not end this by itself. */
  readonly wire: Duplex
}

/** A client that has logged in, after one attempt. Throws what `ssh/failure.ts` makes of it, with what was tried. */
export async function logIn(
  to: Destination,
  { clock }: Pick<ConnectPorts, 'clock'>,
  signal: AbortSignal,
): Promise<Session> {
  const session = { client: new ssh2.Client(), wire: to.via ?? new Socket() }
  const silence = new Silence(session, to, clock)
  const work = (inner: AbortSignal): Promise<void> => {
    const shaken = shakeHands(session, to, inner)
    // Only now: the client has the wire wait until it listens itself.
    return Promise.race([shaken, silence.watch()])
  }
  try {
    const onTimeout = (): Error => slowLogin(attemptOf(to), LOGIN_MS_MAX / 1_000)
    await withDeadline(work, LOGIN_MS_MAX, { clock, signal, onTimeout })
    return session
  } catch (error) {
    session.client.on('error', () => {})
    session.wire.destroy()
    throw error
  } finally {
    silence.end()
  }
}

/** Hears how far a login comes, and that nothing more is said. */
class Silence {
  readonly #session: Session
  readonly #to: Destination
  readonly #clock: Clock
  readonly #broken = Promise.withResolvers<never>()
  #stage: LoginStage
  #timer: Timer | undefined

  constructor(session: Session, to: Destination, clock: Clock) {
    this.#session = session
    this.#to = to
    this.#clock = clock
    this.#stage = to.via === undefined ? 'reach' : 'greet'
  }

  /** Rejects with what a person makes of it once the host has been silent for too long. */
  watch(): Promise<never> {
    const { client, wire } = this.#session
    wire.once('connect', this.#onConnect)
    wire.on('data', this.#onData)
    client.once('handshake', this.#onHandshake)
    this.#heard(this.#stage)
    return this.#broken.promise
  }

  end(): void {
    const { client, wire } = this.#session
    wire.off('connect', this.#onConnect)
    wire.off('data', this.#onData)
    client.off('handshake', this.#onHandshake)
    this.#timer?.cancel()
  }

  readonly #onConnect = (): void => this.#heard('greet')
  readonly #onData = (): void => this.#heard(this.#stage === 'greet' ? 'agree' : this.#stage)
  readonly #onHandshake = (): void => this.#heard('let in')

  #heard(stage: LoginStage): void {
    this.#stage = stage
    this.#timer?.cancel()
    this.#timer = this.#clock.setTimer(SILENCE_MS_MAX, () =>
      this.#broken.reject(silentHost(attemptOf(this.#to), stage, SILENCE_MS_MAX / 1_000)),
    )
  }
}

function shakeHands({ client, wire }: Session, to: Destination, signal: AbortSignal): Promise<void> {
  const { methods, passedOver } = loginMethods(to)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let refused: ShoalError | undefined
  let proven: HostKey | undefined
  const { hostKey } = to
  const wanted = wantedSignatures(hostKey)
  const config: ConnectConfig = {
    sock: wire,
    username: to.user,
    // How long to wait is ours to say.
    readyTimeout: 0,
    keepaliveInterval: KEEPALIVE_S * 1_000,
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
  signal.addEventListener('abort', () => wire.destroy(), { once: true })
  if (wire instanceof Socket && wire !== to.via) wire.connect(to.port, to.host)
  client.connect(config)
  // Each message is a question: held back until the last is acknowledged, it waits for a timer of 40 ms over there.
  client.setNoDelay(true)
  return promise
}

function attemptOf({ user, host, port, credentials }: Destination, passedOver: readonly PassedOver[] = []): Attempt {
  const offered = credentials.map(({ label }) => label).filter(label => !passedOver.some(key => key.label === label))
  return { user, host, port, offered, passedOver: passedOver.map(({ label, why }) => `${label}: ${why}`) }
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
