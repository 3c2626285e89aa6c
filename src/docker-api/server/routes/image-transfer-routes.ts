import type { Clock } from '../../../core/clock.ts'
import { invalidInput } from '../../../core/errors.ts'
import { joinReference } from '../../../core/image-reference.ts'
import { isBefore, spokenVersion } from '../../api-version.ts'
import type { ShapeTable } from '../../create-shapes.ts'
import type { ImageOperations } from '../../engine.ts'
import { readFields } from '../../read-shape.ts'
import type { RegistryAuth } from '../../resource-types.ts'
import { closedSignal, type HttpApp, type HttpReply, type HttpRequest } from '../http-app.ts'
import { Query, readJson, registryAuth } from '../request.ts'
import { ProgressStream } from '../streams/progress-stream.ts'
import { shieldedBody } from '../streams/shielded-body.ts'

type ByPath = { readonly Params: { readonly '*': string } }
const SEARCH_LIMIT_MAX = 100

/** Routes that bring images in or ask registries. */
export function transferRoutes(app: HttpApp, images: ImageOperations, clock: Clock): void {
  app.post('/images/create', (request, reply) => {
    const query = new Query(request.url)
    const image = query.text('fromImage')
    return image === undefined
      ? importImage(images, query, { request, reply, clock })
      : pull(images, { image, query }, { request, reply })
  })
  app.post('/images/load', (request, reply) => load(images, { request, reply, clock }))
  app.get('/images/search', (request, reply) => {
    const query = new Query(request.url)
    const limit = query.integer('limit')
    if (limit !== undefined && (limit < 0 || limit > SEARCH_LIMIT_MAX)) {
      throw invalidInput('BAD_QUERY', `Limit ${limit} is outside the range of [1, ${SEARCH_LIMIT_MAX}]`)
    }
    const options = { ...authOf(request), filters: query.filters(), ...(limit === undefined ? {} : { limit }) }
    return images.search(query.text('term') ?? '', options, closedSignal(reply))
  })
  app.get<ByPath>('/distribution/*', async (request, reply) => {
    const name = /^(.+)\/json$/.exec(request.params['*'])?.[1]
    return name === undefined ? reply.callNotFound() : images.distribution(name, authOf(request), closedSignal(reply))
  })
  app.post('/auth', async (request, reply) =>
    images.login(await readJson<RegistryAuth>(request.raw), closedSignal(reply)),
  )
}

interface Exchange {
  readonly request: HttpRequest
  readonly reply: HttpReply
}

interface Upload extends Exchange {
  readonly clock: Clock
}

async function pull(
  images: ImageOperations,
  { image, query }: { readonly image: string; readonly query: Query },
  { request, reply }: Exchange,
): Promise<void> {
  const tag = query.text('tag')
  const platform = query.text('platform')
  const reference = joinReference(image, tag)
  const stream = new ProgressStream(reply)
  const options = {
    onProgress: stream.write,
    ...authOf(request),
    ...(platform === undefined ? {} : { platform }),
    allTags: tag === undefined,
  }
  await stream.finish(images.pull(reference, options, closedSignal(reply)))
}

async function importImage(images: ImageOperations, query: Query, { request, reply, clock }: Upload): Promise<void> {
  const source = query.text('fromSrc')
  if (source === undefined) {
    throw invalidInput('BAD_QUERY', 'Bad parameter fromImage: expected an image to pull, or fromSrc to import one')
  }
  const [repository, tag, message] = ['repo', 'tag', 'message'].map(name => query.text(name))
  const platform = query.text('platform')
  const stream = new ProgressStream(reply)
  const options = {
    changes: query.all('changes'),
    onProgress: stream.write,
    ...(repository === undefined ? {} : { name: tag === undefined ? repository : `${repository}:${tag}` }),
    ...(message === undefined ? {} : { message }),
    ...(platform === undefined ? {} : { platform }),
  }
  await using body = shieldedBody(request.raw, clock)
  const from = source === '-' ? body.stream : sourceUrl(source)
  await stream.finish(images.import(from, options, closedSignal(reply)), id => [{ status: id }])
}

/** As Docker reads it: what has no scheme is a host on HTTP. */
function sourceUrl(text: string): URL {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `http://${text}`)
  if (url !== null) return url
  throw invalidInput('BAD_QUERY', `Bad parameter fromSrc: "${text}" is no URL`)
}

/** `POST /images/{name}/push`. */
export async function pushImage(
  images: ImageOperations,
  name: string,
  { request, reply }: { readonly request: HttpRequest; readonly reply: HttpReply },
): Promise<void> {
  const query = new Query(request.url)
  const tag = query.text('tag')
  const platform = pushedPlatform(query.text('platform'), request.originalUrl)
  const stream = new ProgressStream(reply)
  const options = { onProgress: stream.write, ...authOf(request), allTags: tag === undefined, ...platform }
  await stream.finish(images.push(tag === undefined ? name : `${name}:${tag}`, options, closedSignal(reply)))
}

/** Here it is JSON, as of 1.46; older clients do not know it, and Docker does not look at what they say. */
function pushedPlatform(text: string | undefined, url: string): { readonly platform?: string } {
  if (text === undefined || isBefore(spokenVersion(url), '1.46')) return {}
  const { os, architecture, variant } = readFields(readObject(text), PLATFORM_SHAPES) as Partial<Record<string, string>>
  if (!os || !architecture) {
    throw invalidInput('BAD_QUERY', 'Bad parameter platform: both OS and Architecture must be provided')
  }
  return { platform: [os, architecture, ...(variant ? [variant] : [])].join('/') }
}

const PLATFORM_SHAPES: ShapeTable = {
  os: 'text',
  architecture: 'text',
  variant: 'text',
  'os.version': 'text',
  'os.features': 'texts',
}

function readObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {}
  throw invalidInput('BAD_QUERY', 'Bad parameter platform: failed to parse platform: expected an object in JSON')
}

async function load(images: ImageOperations, { request, reply, clock }: Upload): Promise<void> {
  const query = new Query(request.url)
  if (query.text('platform') !== undefined) {
    throw invalidInput('NO_LOAD_PLATFORM', 'Bad parameter platform: a load takes what fits this host; leave it out')
  }
  const stream = new ProgressStream(reply)
  const options = query.flag('quiet', true) ? {} : { onProgress: stream.write }
  await using body = shieldedBody(request.raw, clock)
  await stream.finish(images.load(body.stream, closedSignal(reply), options), names =>
    names.map(name => ({ stream: `Loaded image${name.startsWith('sha256:') ? ' ID' : ''}: ${name}\n` })),
  )
}

function authOf({ headers }: HttpRequest): { readonly auth?: RegistryAuth } {
  const auth = registryAuth(headers['x-registry-auth'])
  return auth === undefined ? {} : { auth }
}
