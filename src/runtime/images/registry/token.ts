import { failed, ShoalError, unavailable } from '../../../core/errors.ts'
import type { RegistryAuth } from '../../../docker-api/index.ts'
import type { Challenge } from './challenge.ts'
import type { Endpoint } from './endpoints.ts'
import { type HttpClient, type HttpRequest, readBody } from './http.ts'

/** A service that gives no token in this time gives none. */
const TOKEN_TIMEOUT_MS = 30_000

export interface TokenRequest {
  readonly challenge: Extract<Challenge, { scheme: 'bearer' }>
  readonly auth: RegistryAuth | undefined
  readonly endpoint: Endpoint
  readonly scope?: string | undefined
  /** Ask for a token that can be kept instead of the password. */
  readonly offline?: boolean
  readonly signal: AbortSignal
}

export interface Tokens {
  readonly token: string
  /** To be shown instead of the password from now on; not every service gives one. */
  readonly refresh?: string
}

/** Asks a registry's token service for a token, anonymously without credentials. Source: distribution token specification. */
export async function fetchToken(http: HttpClient, request: TokenRequest): Promise<Tokens> {
  const { challenge, auth, endpoint, signal } = request
  refuseClearText(request)
  const query = queryOf(request)
  const response = await http.send({
    deadlineMs: TOKEN_TIMEOUT_MS,
    ...(hasIdentity(auth)
      ? { ...refreshRequest(query, auth.identitytoken), url: challenge.realm, signal }
      : { ...passwordRequest(challenge.realm, query, auth), signal }),
  })
  const body = await readBody(response)
  if (response.status !== 200) throw answerError(endpoint, response.status)
  return readTokens(body, challenge.realm)
}

function queryOf({ challenge, auth, scope, offline = false }: TokenRequest): URLSearchParams {
  const query = new URLSearchParams(scope === undefined ? {} : { scope })
  if (challenge.service !== undefined) query.set('service', challenge.service)
  if (!offline) return query
  query.set('account', auth?.username ?? '')
  query.set('client_id', 'shoal')
  query.set('offline_token', 'true')
  return query
}

/** A registry that is spoken to in secret must not have secrets told in clear. */
function refuseClearText({ challenge: { realm }, auth, endpoint }: TokenRequest): void {
  const hasSecret = hasPassword(auth) || hasIdentity(auth)
  if (!hasSecret || !endpoint.url.startsWith('https:') || !realm.startsWith('http:')) return
  throw failed(
    'REGISTRY_ANSWER',
    `The registry ${endpoint.host} wants credentials shown to ${realm} in clear text: that is refused, ask whoever runs it`,
  )
}

function hasPassword(auth: RegistryAuth | undefined): auth is RegistryAuth {
  return auth?.username !== undefined && auth.username !== ''
}

function hasIdentity(auth: RegistryAuth | undefined): auth is RegistryAuth & { readonly identitytoken: string } {
  return auth?.identitytoken !== undefined && auth.identitytoken !== ''
}

function passwordRequest(
  realm: string,
  query: URLSearchParams,
  auth: RegistryAuth | undefined,
): Omit<HttpRequest, 'signal'> {
  return {
    method: 'GET',
    url: `${realm}${realm.includes('?') ? '&' : '?'}${query.toString()}`,
    headers: hasPassword(auth) ? { authorization: basic(auth) } : {},
  }
}

export function basic({ username = '', password = '' }: RegistryAuth): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
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

function readTokens(body: Buffer, realm: string): Tokens {
  try {
    const answer = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>
    const token = answer['token'] ?? answer['access_token']
    const refresh = answer['refresh_token']
    if (typeof token !== 'string' || !/^[\x21-\x7e]*$/.test(token)) throw new TypeError('no token in it')
    return { token, ...(typeof refresh === 'string' ? { refresh } : {}) }
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
