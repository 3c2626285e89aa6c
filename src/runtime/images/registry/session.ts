import { failed, ShoalError, unavailable } from '../../../core/errors.ts'
import type { RegistryAuth } from '../../../docker-api/index.ts'
import { type Challenge, parseChallenge } from './challenge.ts'
import type { Endpoint } from './endpoints.ts'
import { HttpClient, type HttpRequest, type HttpResponse, readBody } from './http.ts'

/** A host that does not answer the first question in this time is not there. */
const GREETING_TIMEOUT_MS = 15_000

export interface SessionOptions {
  readonly repository: string
  /** `pull` or `pull,push`. */
  readonly actions: string
  readonly auth: RegistryAuth | undefined
  readonly signal: AbortSignal
}

/** A conversation with one registry about one repository: finds the way in, and shows credentials when asked for them. */
export class RegistrySession implements Disposable {
  readonly endpoint: Endpoint
  readonly #http: HttpClient
  readonly #options: SessionOptions
  #authorization: string | undefined

  private constructor(endpoint: Endpoint, http: HttpClient, options: SessionOptions) {
    this.endpoint = endpoint
    this.#http = http
    this.#options = options
  }

  /** Tries the ways into a registry until one answers the protocol's first question. Throws what the last one said. */
  static async open(ways: readonly Endpoint[], options: SessionOptions): Promise<RegistrySession> {
    let failure: unknown
    for (const endpoint of ways) {
      const http = new HttpClient(endpoint)
      const session = new RegistrySession(endpoint, http, options)
      try {
        const response = await http.send({
          method: 'GET',
          url: `${endpoint.url}/v2/`,
          signal: options.signal,
          idleTimeoutMs: GREETING_TIMEOUT_MS,
        })
        await readBody(response)
        if (response.status === 401) await session.#authorize(parseChallenge(response.headers['www-authenticate']))
        else if (response.status >= 500) throw answerError(endpoint, response.status)
        return session
      } catch (error) {
        http[Symbol.dispose]()
        options.signal.throwIfAborted()
        failure = error
      }
    }
    throw failure
  }

  /** Sends a request below `/v2/<repository>/`, or to the absolute URL given. */
  async send(request: Omit<HttpRequest, 'url' | 'signal'> & { readonly path: string }): Promise<HttpResponse> {
    const { path, ...rest } = request
    const url = path.includes('://') ? path : `${this.endpoint.url}/v2/${this.#options.repository}/${path}`
    const attempt = (): Promise<HttpResponse> => {
      const known = this.#authorization === undefined ? {} : { authorization: this.#authorization }
      const headers = { 'user-agent': 'shoal', ...rest.headers, ...known }
      return this.#http.send({ ...rest, url, headers, signal: this.#options.signal })
    }
    const response = await attempt()
    if (response.status !== 401) return response
    // The token ran out, or this request needs more than the first question did.
    const challenge = parseChallenge(response.headers['www-authenticate'])
    await readBody(response)
    const before = this.#authorization
    await this.#authorize(challenge)
    return this.#authorization === before ? response : attempt()
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]()
  }

  async #authorize(challenge: Challenge | undefined): Promise<void> {
    const { auth } = this.#options
    if (challenge?.scheme === 'basic' && auth?.username !== undefined) {
      this.#authorization = basic(auth.username, auth.password ?? '')
    } else if (challenge?.scheme === 'bearer') {
      this.#authorization = `Bearer ${await this.#token(challenge)}`
    }
  }

  async #token(challenge: Extract<Challenge, { scheme: 'bearer' }>): Promise<string> {
    const { auth, repository, actions, signal } = this.#options
    const query = new URLSearchParams({ scope: challenge.scope ?? `repository:${repository}:${actions}` })
    if (challenge.service !== undefined) query.set('service', challenge.service)
    const response =
      auth?.identitytoken !== undefined && auth.identitytoken !== ''
        ? await this.#http.send({ ...refreshRequest(query, auth.identitytoken), url: challenge.realm, signal })
        : await this.#http.send({
            method: 'GET',
            url: `${challenge.realm}${challenge.realm.includes('?') ? '&' : '?'}${query.toString()}`,
            headers: auth?.username === undefined ? {} : { authorization: basic(auth.username, auth.password ?? '') },
            signal,
          })
    const body = await readBody(response)
    if (response.status !== 200) throw answerError(this.endpoint, response.status)
    return readToken(body, challenge.realm)
  }
}

function refreshRequest(query: URLSearchParams, token: string): Omit<HttpRequest, 'url' | 'signal'> {
  const form = new URLSearchParams(query)
  form.set('grant_type', 'refresh_token')
  form.set('refresh_token', token)
  form.set('client_id', 'shoal')
  return {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(form.toString()),
  }
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function readToken(body: Buffer, realm: string): string {
  try {
    const { token, access_token: access } = JSON.parse(body.toString()) as { token?: string; access_token?: string }
    return token ?? access ?? ''
  } catch (error) {
    throw failed('REGISTRY_ANSWER', `The token service ${realm} answers with something else than a token`, {
      cause: error,
    })
  }
}

function answerError({ host }: Endpoint, status: number): Error {
  return status >= 500 || status === 429
    ? unavailable('REGISTRY_BUSY', `The registry ${host} answers ${status}: try again later`)
    : new ShoalError('REGISTRY_DENIED', 401, `The registry ${host} refuses the credentials (${status}): log in again`)
}
