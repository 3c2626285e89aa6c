import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import type { ClientOptions } from '@grpc/grpc-js'
import type {
  Etcd3,
  IOptions,
  IRangeRequest,
  IRangeResponse,
  ITxnRequest,
  ITxnResponse,
  IWatchCreateRequest,
  IWatchResponse,
} from 'etcd3'
import type { Clock, Timer } from '../../core/clock.ts'
import { errorMessage, failed, invalidInput, isTransient } from '../../core/errors.ts'
import { leaseGone, storeUnavailable } from '../store-error.ts'
import { cancelQuietly } from './etcd-stream.ts'
import { LeaseStream } from './lease-stream.ts'

export interface EtcdOptions {
  /** `10.0.0.1:2379` or `https://…`; the next one is tried when one fails. A function is asked at each call: members come and go. */
  readonly endpoints: readonly string[] | (() => readonly string[])
  readonly clock: Clock
  /** PEM. Read anew for each connection; who says when they change has connections made anew then. */
  readonly tls?: EtcdTls
  /** Deadline of each call. Default: 5 seconds. */
  readonly callTimeoutMs?: number
}

export interface EtcdTls {
  readonly ca: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** The name that the store's certificate has to have; absent: that of the endpoint. */
  readonly serverName?: string
  readonly onChange?: (changed: () => void) => () => void
}

/** etcd's own calls, with deadlines, failover between endpoints and our errors. The only file that knows the library. */
export interface EtcdWire {
  readonly range: (request: IRangeRequest) => Promise<IRangeResponse>
  readonly txn: (request: ITxnRequest) => Promise<ITxnResponse>
  readonly grantLease: (ttlSeconds: number) => Promise<{ readonly id: string; readonly ttlSeconds: number }>
  /** One renewal; false if etcd does not know the lease. */
  readonly renewLease: (id: string) => Promise<boolean>
  readonly revokeLease: (id: string) => Promise<void>
  /** The responses of one watch, until it breaks (throws) or the signal is aborted (ends). */
  readonly watch: (request: IWatchCreateRequest, signal: AbortSignal) => AsyncGenerator<IWatchResponse>
  /** Users, roles and what they may do: each call by itself, done or refused. */
  readonly administer: <T>(work: (auth: AuthCalls, options: { readonly deadline: Date }) => Promise<T>) => Promise<T>
  /** Who keeps the store together, the same way. */
  readonly cluster: <T>(work: (cluster: ClusterCalls, options: { readonly deadline: Date }) => Promise<T>) => Promise<T>
  readonly close: () => void
}

export type AuthCalls = Etcd3['auth']
export type ClusterCalls = Etcd3['cluster']
export type WireTxn = ITxnRequest
export type WatchResponse = IWatchResponse

const CALL_TIMEOUT_MS = 5_000

const CHANNEL_OPTIONS: NonNullable<IOptions['grpcOptions']> = {
  'grpc.max_receive_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A watch on a host that was switched off must notice; etcd refuses pings more often than every 5 s.
  'grpc.keepalive_time_ms': 6_000,
  'grpc.keepalive_timeout_ms': 3_000,
}

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>

/** The library's own retries would repeat a transaction whose outcome is unknown, and its breaker hides a recovered etcd. */
const NO_POLICY: Policy = {
  _altReturn: undefined as never,
  onSuccess: () => ({ dispose() {} }),
  onFailure: () => ({ dispose() {} }),
  execute: async (work, signal) => work({ signal: signal ?? new AbortController().signal }),
}

export function openEtcdWire(options: EtcdOptions): EtcdWire {
  const { endpoints, clock, callTimeoutMs = CALL_TIMEOUT_MS } = options
  const known = typeof endpoints === 'function' ? endpoints : () => endpoints
  if (endpoints.length === 0 && known !== endpoints)
    throw invalidInput('NO_ENDPOINTS', 'No etcd endpoint given: expected etcd://host:port')
  let current = 0
  const endpoint = (): string => {
    const all = known()
    const chosen = all[current % all.length]
    if (chosen === undefined) throw storeUnavailable('any host', new Error('no manager has told yet where it is'))
    return chosen
  }
  const connections = new Connections(options)
  const client = (): Promise<Etcd3> => connections.to(endpoint())
  const deadline = (): { deadline: Date } => ({ deadline: new Date(clock.nowMs() + callTimeoutMs) })

  /** Tries each endpoint once; goes on only when the failed attempt cannot have had an effect. */
  const call = async <T>(harmless: boolean, work: (etcd: Etcd3) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(await client())
      } catch (cause) {
        if (attempt < OUTDATED_TRIES && isOutdated(cause)) continue
        const error = translate(cause, endpoint())
        if (!isTransient(error)) throw error
        current++
        if (attempt >= known().length || connections.closed || !(harmless || neverSent(cause))) throw error
      }
    }
  }

  return {
    range: request => call(true, etcd => etcd.kv.range(request, deadline())),
    txn: request => call(false, etcd => etcd.kv.txn(request, deadline())),
    async grantLease(ttlSeconds) {
      const granted = await call(false, etcd => etcd.leaseClient.leaseGrant({ TTL: ttlSeconds, ID: 0 }, deadline()))
      return { id: granted.ID, ttlSeconds: Number(granted.TTL) }
    },
    renewLease: id => call(true, etcd => connections.leaseStream(etcd).renew(id, callTimeoutMs)),
    async revokeLease(id) {
      await call(true, etcd => etcd.leaseClient.leaseRevoke({ ID: id }, deadline()))
    },
    async *watch(request, signal) {
      const where = endpoint()
      try {
        yield* readWatch(await client(), request, signal)
      } catch (cause) {
        current++
        throw translate(cause, where)
      }
    },
    administer: work => call(false, etcd => work(etcd.auth, deadline())),
    cluster: work => call(false, etcd => work(etcd.cluster, deadline())),
    close: () => connections.close(),
  }
}

/** A client for each endpoint, made when it is first needed, and anew when our certificate has changed. */
class Connections {
  readonly #options: EtcdOptions
  readonly #clients = new Map<string, Etcd3>()
  readonly #retiring = new Map<Etcd3, Timer>()
  readonly #leaseStreams = new Map<Etcd3, LeaseStream>()
  readonly #stop: (() => void) | undefined
  closed = false

  constructor(options: EtcdOptions) {
    this.#options = options
    this.#stop = options.tls?.onChange?.(() => this.#renew())
  }

  async to(endpoint: string): Promise<Etcd3> {
    if (this.closed) throw storeUnavailable(endpoint, new Error('the client is closed'))
    const known = this.#clients.get(endpoint)
    if (known !== undefined) return known
    const made = await connect(endpoint, this.#options)
    const raced = this.#clients.get(endpoint)
    if (raced !== undefined) made.close()
    else this.#clients.set(endpoint, made)
    return raced ?? made
  }

  leaseStream(etcd: Etcd3): LeaseStream {
    const open = () => etcd.leaseClient.leaseKeepAlive()
    const stream = this.#leaseStreams.get(etcd) ?? new LeaseStream(open, this.#options.clock)
    this.#leaseStreams.set(etcd, stream)
    return stream
  }

  close(): void {
    this.closed = true
    this.#stop?.()
    for (const etcd of [...this.#clients.values(), ...this.#retiring.keys()]) this.#hangUp(etcd)
    this.#clients.clear()
  }

  /** New calls get new connections at once; those under way may end, and watches go on where they were. */
  #renew(): void {
    const { clock, callTimeoutMs = CALL_TIMEOUT_MS } = this.#options
    for (const etcd of this.#clients.values()) {
      const timer = clock.setTimer(callTimeoutMs, () => this.#hangUp(etcd))
      this.#retiring.set(etcd, timer)
    }
    this.#clients.clear()
  }

  #hangUp(etcd: Etcd3): void {
    this.#retiring.get(etcd)?.cancel()
    this.#retiring.delete(etcd)
    this.#leaseStreams.get(etcd)?.close()
    this.#leaseStreams.delete(etcd)
    etcd.close()
  }
}

async function connect(endpoint: string, { tls }: EtcdOptions): Promise<Etcd3> {
  // Loaded late: gRPC takes longer to load than most commands take to run.
  const { Etcd3: Client } = await import('etcd3')
  const host = tls !== undefined && !endpoint.includes('://') ? `https://${endpoint}` : endpoint
  return new Client({
    hosts: host,
    grpcOptions: {
      ...CHANNEL_OPTIONS,
      ...(tls === undefined ? {} : await knownAs(host, tls)),
    },
    faultHandling: { global: NO_POLICY, host: () => NO_POLICY },
    ...(tls === undefined
      ? {}
      : {
          credentials: {
            rootCertificate: Buffer.from(tls.ca),
            ...(tls.cert === undefined ? {} : { certChain: Buffer.from(tls.cert) }),
            ...(tls.key === undefined ? {} : { privateKey: Buffer.from(tls.key) }),
          },
        }),
  })
}

/** TLS has no way to ask for the certificate of an address: nothing that could be looked up is asked for, and the address checked. */
const NO_NAME = 'address.invalid'

/** How the store proves that it is who answers to its name, or to its address. */
async function knownAs(endpoint: string, { serverName, ca, cert, key }: EtcdTls): Promise<ClientOptions> {
  if (serverName !== undefined) return { 'grpc.ssl_target_name_override': serverName }
  const address = new URL(endpoint).hostname.replace(/^\[|\]$/g, '')
  if (isIP(address) === 0) return {}
  const { Channel, credentials } = await import('@grpc/grpc-js')
  const pem = (text: string | Buffer | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text))
  const secure = credentials.createSsl(pem(ca), pem(key), pem(cert), {
    checkServerIdentity: (_name, certificate) => checkServerIdentity(address, certificate),
  })
  return {
    'grpc.ssl_target_name_override': NO_NAME,
    channelFactoryOverride: (target, _insecure, options) => new Channel(target, secure, options),
  }
}

async function* readWatch(
  etcd: Etcd3,
  request: IWatchCreateRequest,
  signal: AbortSignal,
): AsyncGenerator<IWatchResponse> {
  const stream = await etcd.watchClient.watch()
  const queue: IWatchResponse[] = []
  let ended: { readonly error: unknown } | undefined
  let wake = Promise.withResolvers<void>()
  const end = (error: unknown): void => {
    ended ??= { error }
    wake.resolve()
  }
  const onAbort = (): void => {
    end(undefined)
    // At once: whoever reads may never ask for more, and an open stream keeps the connection and the process.
    cancelQuietly(stream)
  }
  stream.on('data', response => {
    queue.push(response)
    wake.resolve()
  })
  stream.on('error', end)
  stream.on('end', () => end(new Error('the watch was closed by the server')))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    stream.write({ create_request: request })
    while (true) {
      wake = Promise.withResolvers<void>()
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        if (signal.aborted) return
        yield next
      }
      if (signal.aborted) return
      if (ended !== undefined) throw ended.error
      await wake.promise
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    cancelQuietly(stream)
  }
}

/** How often a call is repeated because somebody else changes users at the same time. */
const OUTDATED_TRIES = 20

/** Users or their rights have changed while etcd looked at the call: it has done nothing, and asks for it again. */
function isOutdated(error: unknown): boolean {
  return /revision of auth store is old/.test(errorMessage(error))
}

/** Whether an attempt failed before a connection stood, so that nothing can have been done. */
function neverSent(error: unknown): boolean {
  return /ECONNREFUSED|EHOSTUNREACH|ENOTFOUND|No connection established|Name resolution failed/.test(
    errorMessage(error),
  )
}

/** Sentences of etcd's errors that mean the request is wrong or the store is full: trying again will not help. */
const PERMANENT: readonly { readonly pattern: RegExp; readonly error: (text: string, cause: unknown) => Error }[] = [
  { pattern: /lease not found/, error: () => leaseGone('(unknown to etcd)') },
  {
    pattern: /too large|too many operations/,
    error: (text, cause) => invalidInput('TXN_TOO_LARGE', `etcd refuses the transaction: ${text}. Split it`, { cause }),
  },
  {
    pattern: /duplicate key/,
    error: (text, cause) => invalidInput('TXN_DUPLICATE_KEY', `etcd refuses the transaction: ${text}`, { cause }),
  },
  {
    pattern: /database space exceeded/,
    error: (_text, cause) =>
      failed('STORE_FULL', 'etcd is out of space: compact and defragment it, then run "etcdctl alarm disarm"', {
        cause,
      }),
  },
  {
    pattern: /permission denied|authentication|invalid auth token|user name is empty/,
    error: (text, cause) =>
      failed('STORE_FORBIDDEN', `etcd refuses us: ${text}. Check the user or the certificate given`, { cause }),
  },
]

function translate(cause: unknown, endpoint: string): unknown {
  if (isTransient(cause)) return cause
  const text = errorMessage(cause)
  const known = PERMANENT.find(({ pattern }) => pattern.test(text))
  return known === undefined ? storeUnavailable(endpoint, plain(text)) : known.error(plainText(text), cause)
}

function plain(text: string): Error {
  return new Error(plainText(text))
}

/** What happened to the connection, without the gRPC client's class names, status numbers and notes around it. */
function plainText(text: string): string {
  return text
    .replace(/^(?:\w+Error: |Error: )?(?:\d+ [A-Z_]+: )?/, '')
    .replace(/^No connection established\. Last error: (?:Error: )?/, '')
    .replace(/[.\s]*Resolution note:.*$/s, '')
}
