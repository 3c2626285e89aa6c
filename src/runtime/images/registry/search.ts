import type { Clock } from '../../../core/clock.ts'
import { invalidInput, ShoalError, unavailable } from '../../../core/errors.ts'
import type { ImageSearchOptions, ImageSearchResult, RegistryAuth } from '../../../docker-api/index.ts'
import { endpointsOf, type Place, type RegistryOptions } from './endpoints.ts'
import { type HttpResponse, readBody } from './http.ts'
import { readPages } from './pages.ts'
import { RegistrySession } from './session.ts'

/** The search of Docker Hub, which has no catalogue. */
const HUB_SEARCH = 'https://index.docker.io/v1/search'
const LIMIT = 25
const HOST = /^[a-z0-9.-]+(?::\d+)?$/i

/**
 * Repositories whose name has the term in it: of the registry before the first slash if that is a host, otherwise of
 * Docker Hub. Throws 400 for a bad term or filter.
 */
export async function searchImages(
  term: string,
  { auth, limit = LIMIT, filters = {} }: ImageSearchOptions,
  { registry, signal }: { readonly registry: RegistryOptions; readonly signal: AbortSignal },
): Promise<readonly ImageSearchResult[]> {
  const passes = searchFilter(filters)
  const { host, word } = splitTerm(term)
  const [place] = endpointsOf({ registry: host }, registry, 'push')
  const options = { auth, trust: registry.trust, clock: registry.clock, signal }
  const found =
    host === 'docker.io'
      ? await searchHub(word, { ...options, place, limit })
      : await searchCatalogue(word, { ...options, place, limit, host })
  return found.filter(passes).slice(0, limit === 0 ? LIMIT : limit)
}

function splitTerm(term: string): { readonly host: string; readonly word: string } {
  const slash = term.indexOf('/')
  const first = term.slice(0, Math.max(slash, 0))
  const isHost = first === 'localhost' || ((first.includes('.') || first.includes(':')) && HOST.test(first))
  const word = isHost ? term.slice(slash + 1) : term
  if (word === '' && !isHost) throw invalidInput('BAD_SEARCH', 'Bad parameter term: expected a word to search for')
  return { host: isHost && first !== 'docker.io' && first !== 'index.docker.io' ? first : 'docker.io', word }
}

interface Search {
  readonly auth: RegistryAuth | undefined
  readonly place: Place
  readonly trust: RegistryOptions['trust']
  readonly clock: Clock
  readonly limit: number
  readonly signal: AbortSignal
}

async function searchCatalogue(word: string, { host, place, ...options }: Search & { readonly host: string }) {
  using session = await RegistrySession.open(place.ways, { ...options, scope: 'registry:catalog:*' })
  const found: ImageSearchResult[] = []
  const refused = (response: HttpResponse): Promise<Error> => refusal(response, host)
  for await (const page of readPages(session, '_catalog?n=1000', refused)) {
    const { repositories } = page as { repositories?: unknown }
    const names = Array.isArray(repositories) ? repositories.filter(name => typeof name === 'string') : []
    found.push(
      ...names
        .map(String)
        .filter(name => name.includes(word))
        .map(name => result(`${host}/${name}`)),
    )
    if (found.length >= options.limit) break
  }
  return found
}

async function searchHub(word: string, { place, limit, ...options }: Search): Promise<ImageSearchResult[]> {
  using session = await RegistrySession.open(place.ways, options)
  const query = new URLSearchParams({ q: word, n: String(limit) })
  const response = await session.send({ method: 'GET', path: `${HUB_SEARCH}?${query.toString()}` })
  if (response.status !== 200) throw await refusal(response, 'docker.io')
  const { results } = JSON.parse((await readBody(response)).toString()) as { results?: Partial<ImageSearchResult>[] }
  return (results ?? []).map(found => ({ ...result(found.name ?? ''), ...found }))
}

function result(name: string): ImageSearchResult {
  return { star_count: 0, is_official: false, name, is_automated: false, description: '' }
}

async function refusal(response: HttpResponse, host: string): Promise<Error> {
  const { status } = response
  await readBody(response)
  if (status === 401 || status === 403) {
    return new ShoalError('REGISTRY_DENIED', 401, `The registry ${host} does not show its catalogue: log in to it`)
  }
  return status >= 500
    ? unavailable('REGISTRY_BUSY', `The registry ${host} answers ${status}: try again later`)
    : new ShoalError('NO_CATALOGUE', 500, `Unexpected status code ${status}: the registry ${host} has no catalogue`)
}

/** The filters of `docker search`. */
function searchFilter(filters: Readonly<Record<string, readonly string[]>>): (result: ImageSearchResult) => boolean {
  const flag = (key: string): boolean | undefined => {
    const [value] = filters[key] ?? []
    if (value === undefined) return undefined
    if (!['1', '0', 'true', 'false'].includes(value)) throw badFilter(`${key}=[${value}]`)
    return value === '1' || value === 'true'
  }
  const unknown = Object.keys(filters).find(key => !['is-automated', 'is-official', 'stars'].includes(key))
  if (unknown !== undefined) throw badFilter(unknown)
  const [automated, official] = [flag('is-automated'), flag('is-official')]
  const stars = filters['stars'] ?? []
  const bad = stars.find(value => !/^\d+$/.test(value))
  if (bad !== undefined) throw badFilter(`stars=[${bad}]`)
  const most = Math.max(0, ...stars.map(Number))
  return found =>
    (automated === undefined || found.is_automated === automated) &&
    (official === undefined || found.is_official === official) &&
    found.star_count >= most
}

function badFilter(what: string): ShoalError {
  return invalidInput('BAD_FILTER', `invalid filter '${what}'`)
}
