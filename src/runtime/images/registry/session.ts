import type { Clock } from '../../../core/clock.ts'
import { ShoalError, unavailable } from '../../../core/errors.ts'
import type { RegistryAuth } from '../../../docker-api/index.ts'
import { type Challenge, parseChallenge } from './challenge.ts'
import type { Endpoint } from './endpoints.ts'
import { HttpClient, type HttpRequest, type HttpResponse, readBody } from './http.ts'
import { basic, fetchToken } from './token.ts'
import type { TrustStore } from './trust-store.ts'

/** A host that does not answer the first question in this time is not there. */
export const GREETING_TIMEOUT_MS = 15_000

export interface SessionOptions {
  /** What a token is asked for: `repository:team/app:pull`; absent: only who asks. */
  readonly scope?: string
  readonly auth: RegistryAuth | undefined
  readonly trust: TrustStore
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Nobody answers at that address, whatever is spoken there: asking again at once only makes people wait. */
export function isSilence(error: unknown): boolean {
  return error instanceof ShoalError && (error.code === 'REGISTRY_SILENT' || error.details['reason'] === 'ETIMEDOUT')
}

/** A conversation with one registry: finds the way in, and shows credentials when asked for them. */
export class RegistrySession implements Disposable {
  readonly endpoint: Endpoint
  readonly #http: HttpClient
  readonly #newClient: () => HttpClient
  readonly #options: SessionOptions
  #authorization: string | undefined

  private constructor(endpoint: Endpoint, newClient: () => HttpClient, options: SessionOptions) {
    this.endpoint = endpoint
    this.#newClient = newClient
    this.#http = newClient()
    this.#options = options
  }

  /** Tries the ways into a registry until one answers the protocol's first question. Throws what the last one said. */
  static async open(ways: readonly Endpoint[], options: SessionOptions): Promise<RegistrySession> {
    let failure: unknown
    for (const endpoint of ways) {
      const { anyCertificate } = endpoint
      const secure = endpoint.url.startsWith('https:')
      const context = secure ? await options.trust.contextFor(endpoint.host) : undefined
      const session = new RegistrySession(
        endpoint,
        () => new HttpClient({ anyCertificate, context }, options.clock),
        options,
      )
      try {
        await session.#greet()
        return session
      } catch (error) {
        session[Symbol.dispose]()
        options.signal.throwIfAborted()
        failure = error
        if (isSilence(error)) break
      }
    }
    throw failure
  }

  /** The same conversation for work that outlives this one, or ends before it. */
  fork(signal: AbortSignal): RegistrySession {
    const session = new RegistrySession(this.endpoint, this.#newClient, { ...this.#options, signal })
    session.#authorization = this.#authorization
    return session
  }

  /** Sends a request below `/v2/`, or to the absolute URL given; credentials go to the registry only. */
  async send(request: Omit<HttpRequest, 'url' | 'signal'> & { readonly path: string }): Promise<HttpResponse> {
    const { path, ...rest } = request
    const url = path.includes('://') ? path : `${this.endpoint.url}/v2/${path}`
    const isOwn = new URL(url).origin === new URL(this.endpoint.url).origin
    const attempt = (): Promise<HttpResponse> => {
      const known = this.#authorization === undefined || !isOwn ? {} : { authorization: this.#authorization }
      const headers = { 'user-agent': 'shoal', ...rest.headers, ...known }
      return this.#http.send({ ...rest, url, headers, signal: this.#options.signal })
    }
    const response = await attempt()
    if (response.status !== 401 || !isOwn) return response
    // The token ran out, or this request needs more than the first question did.
    const challenge = parseChallenge(response.headers['www-authenticate'])
    const before = this.#authorization
    const authorized = await this.#authorize(challenge)
    if (!authorized || this.#authorization === before) return response
    response.body.resume()
    return attempt()
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]()
  }

  async #greet(): Promise<void> {
    const { endpoint } = this
    const response = await this.#http.send({
      method: 'GET',
      url: `${endpoint.url}/v2/`,
      signal: this.#options.signal,
      deadlineMs: GREETING_TIMEOUT_MS,
    })
    await readBody(response)
    if (response.status === 401) await this.#authorize(parseChallenge(response.headers['www-authenticate']))
    else if (response.status >= 500) {
      throw unavailable('REGISTRY_BUSY', `The registry ${endpoint.host} answers ${response.status}: try again later`)
    }
  }

  /** Prepares an answer to a challenge; false if there is none. */
  async #authorize(challenge: Challenge | undefined): Promise<boolean> {
    const { auth, scope, signal } = this.#options
    if (challenge?.scheme === 'basic') {
      if (auth?.username === undefined || auth.username === '') return false
      this.#authorization = basic(auth)
      return true
    }
    if (challenge?.scheme !== 'bearer') return false
    const asked = { challenge, auth, signal, endpoint: this.endpoint, scope: challenge.scope ?? scope }
    const { token } = await fetchToken(this.#http, asked)
    this.#authorization = `Bearer ${token}`
    return true
  }
}
