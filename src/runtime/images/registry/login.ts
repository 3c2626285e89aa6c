import { invalidInput, ShoalError } from '../../../core/errors.ts'
import type { LoginAnswer, RegistryAuth } from '../../../docker-api/index.ts'
import { parseChallenge } from './challenge.ts'
import { type Endpoint, endpointsOf, type RegistryOptions } from './endpoints.ts'
import { HttpClient, type HttpResponse, readBody } from './http.ts'
import { GREETING_TIMEOUT_MS, isSilence } from './session.ts'
import { basic, fetchToken } from './token.ts'

/** Docker's name for its Hub in credentials. */
const HUB_ADDRESS = 'https://index.docker.io/v1/'

/** Shows credentials to a registry. Throws 401 if it refuses them, and what an unreachable one throws. */
export async function login(
  auth: RegistryAuth,
  { registry, signal }: { readonly registry: RegistryOptions; readonly signal: AbortSignal },
): Promise<LoginAnswer> {
  const host = registryHost(auth.serveraddress || HUB_ADDRESS)
  const { ways } = endpointsOf({ registry: host }, registry, 'push')[0]
  let failure: unknown
  for (const endpoint of ways) {
    const context = endpoint.url.startsWith('https:') ? await registry.trust.contextFor(endpoint.host) : undefined
    using http = new HttpClient({ anyCertificate: endpoint.anyCertificate, context }, registry.clock)
    try {
      return { Status: 'Login Succeeded', IdentityToken: await prove(http, endpoint, { auth, signal }) }
    } catch (error) {
      signal.throwIfAborted()
      failure = error
      if (isSilence(error) || (error instanceof ShoalError && error.status === 401)) break
    }
  }
  throw failure
}

/** The host behind what docker writes down: `https://host/v1/`, `host:5000`, `docker.io`. */
function registryHost(address: string): string {
  const host = URL.parse(address.includes('://') ? address : `https://${address}`)?.host
  if (host === undefined || host === '') {
    throw invalidInput('BAD_REGISTRY', `Cannot read registry address "${address}": expected host[:port]`)
  }
  return ['index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host
}

/** Resolves with the token that may be kept instead of the password, or nothing. */
async function prove(
  http: HttpClient,
  endpoint: Endpoint,
  { auth, signal }: { readonly auth: RegistryAuth; readonly signal: AbortSignal },
): Promise<string> {
  const url = `${endpoint.url}/v2/`
  const first = await http.send({ method: 'GET', url, signal, deadlineMs: GREETING_TIMEOUT_MS })
  await readBody(first)
  if (first.status !== 401) return accepted(url, first, '')
  const challenge = parseChallenge(first.headers['www-authenticate'])
  const shown =
    challenge?.scheme === 'bearer'
      ? await fetchToken(http, { challenge, auth, endpoint, signal, offline: true })
      : undefined
  const authorization = shown === undefined ? basic(auth) : `Bearer ${shown.token}`
  const second = await http.send({
    method: 'GET',
    url,
    headers: { authorization },
    signal,
    deadlineMs: GREETING_TIMEOUT_MS,
  })
  await readBody(second)
  return accepted(url, second, shown?.refresh ?? '')
}

function accepted(url: string, { status }: HttpResponse, refresh: string): string {
  if (status === 200) return refresh
  throw new ShoalError(
    status === 401 || status === 403 ? 'REGISTRY_DENIED' : 'REGISTRY_REFUSED',
    status === 401 || status === 403 ? 401 : 500,
    `login attempt to ${url} failed with status: ${status}${status === 401 ? ' Unauthorized' : ''}`,
  )
}
