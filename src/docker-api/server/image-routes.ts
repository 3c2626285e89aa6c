import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { invalidInput, unsupported } from '../../core/errors.ts'
import type { Engine, ImageOperations } from '../engine.ts'
import { beginStream, closedSignal, type HttpApp, type HttpReply, type HttpRequest } from './http-app.ts'
import { ProgressStream } from './progress-stream.ts'
import { Query, registryAuth } from './request.ts'

type ByPath = { readonly Params: { readonly '*': string } }

/** Image names have slashes in them, so what is behind the name is told from the end of the path. */
export function imageRoutes(app: HttpApp, { images }: Engine): void {
  app.post('/images/create', (request, reply) => pull(images, request, reply))
  app.post('/images/load', async (request, reply) => {
    const stream = new ProgressStream(reply)
    await stream.finish(images.load(await archiveOf(request.raw), closedSignal(reply)), names =>
      names.map(name => ({ stream: `Loaded image${name.startsWith('sha256:') ? ' ID' : ''}: ${name}\n` })),
    )
  })
  app.post('/images/prune', request => prune(images, new Query(request.url)))
  app.get('/images/json', request => images.list({ filters: new Query(request.url).filters() }))
  app.get('/images/get', (request, reply) => save(images, new Query(request.url).all('names'), reply))
  app.get<ByPath>('/images/*', async ({ params }, reply) => {
    const [name, verb] = splitVerb(params['*'])
    if (verb === 'json') return images.inspect(name)
    if (verb === 'get') return save(images, [name], reply)
    return reply.callNotFound()
  })
  app.post<ByPath>('/images/*', async (request, reply) => {
    const [name, verb] = splitVerb(request.params['*'])
    const query = new Query(request.url)
    if (verb === 'push') return push(images, name, { request, reply })
    if (verb !== 'tag') return reply.callNotFound()
    const repository = query.text('repo')
    if (repository === undefined) throw invalidInput('BAD_QUERY', 'Bad parameter repo: expected the new name')
    const tag = query.text('tag')
    await images.tag(name, tag === undefined ? repository : `${repository}:${tag}`)
    return reply.code(201).send()
  })
  app.delete<ByPath>('/images/*', ({ params, url }) =>
    images.remove(params['*'], { force: new Query(url).flag('force') }),
  )
  app.post('/build', (request, reply) => build(images, request, reply))
}

function splitVerb(path: string): [name: string, verb: string] {
  const slash = path.lastIndexOf('/')
  return [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)]
}

async function pull(images: ImageOperations, request: HttpRequest, reply: HttpReply): Promise<void> {
  const query = new Query(request.url)
  const name = query.text('fromImage')
  if (name === undefined)
    throw unsupported('NO_IMPORT', 'Importing an image from a tar is not supported: use docker load')
  const tag = query.text('tag')
  const reference = tag === undefined ? name : tag.includes(':') ? `${name}@${tag}` : `${name}:${tag}`
  const auth = registryAuth(request.headers['x-registry-auth'])
  const stream = new ProgressStream(reply)
  const options = { onProgress: stream.write, ...(auth === undefined ? {} : { auth }) }
  await stream.finish(images.pull(reference, options, closedSignal(reply)))
}

async function push(
  images: ImageOperations,
  name: string,
  { request, reply }: { request: HttpRequest; reply: HttpReply },
): Promise<void> {
  const tag = new Query(request.url).text('tag')
  const auth = registryAuth(request.headers['x-registry-auth'])
  const stream = new ProgressStream(reply)
  const options = { onProgress: stream.write, ...(auth === undefined ? {} : { auth }) }
  await stream.finish(images.push(tag === undefined ? name : `${name}:${tag}`, options, closedSignal(reply)))
}

async function save(images: ImageOperations, names: readonly string[], reply: HttpReply): Promise<void> {
  if (names.length === 0) throw invalidInput('BAD_QUERY', 'Bad parameter names: expected at least one image')
  // Before the head of the answer, so that a missing image is a 404.
  for (const name of names) await images.inspect(name)
  const archive = await images.save(names)
  await pipeline(archive, beginStream(reply, 'application/x-tar')).catch(() => reply.raw.destroy())
}

async function prune(images: ImageOperations, query: Query) {
  const filters = query.filters()
  const isAll = filters['dangling']?.some(value => ['false', '0'].includes(value)) === true
  const { dangling: _dangling, ...others } = filters
  const found = await images.list({ filters: isAll ? others : { ...others, dangling: ['true'] } })
  const deleted = []
  let reclaimed = 0
  for (const { Id, Size } of found) {
    // An image that a container uses stays: that is not an error here.
    const removed = await images.remove(Id, { force: isAll }).catch(() => undefined)
    if (removed === undefined) continue
    deleted.push(...removed)
    reclaimed += Size
  }
  return { ImagesDeleted: deleted, SpaceReclaimed: reclaimed }
}

async function build(images: ImageOperations, request: HttpRequest, reply: HttpReply): Promise<void> {
  const query = new Query(request.url)
  if (query.text('remote') !== undefined) {
    throw unsupported('NO_REMOTE_CONTEXT', 'Building from a remote context is not supported: send the context as a tar')
  }
  if (query.text('version') === '2') {
    throw unsupported(
      'NO_BUILDKIT',
      'BuildKit is not supported: set DOCKER_BUILDKIT=0 to build with the classic builder',
    )
  }
  const target = query.text('target')
  const isQuiet = query.flag('q')
  const stream = new ProgressStream(reply)
  const work = images.build(
    await archiveOf(request.raw),
    {
      tags: query.all('t'),
      dockerfile: query.text('dockerfile') ?? 'Dockerfile',
      buildArgs: query.strings('buildargs'),
      labels: query.strings('labels'),
      noCache: query.flag('nocache'),
      pull: query.flag('pull'),
      ...(target === undefined ? {} : { target }),
    },
    isQuiet ? () => {} : stream.write,
    closedSignal(reply),
  )
  await stream.finish(work, id => [{ aux: { ID: id } }, ...(isQuiet ? [{ stream: `${id}\n` }] : [])])
}

/** A tar that may be compressed: told by its first bytes, as clients do not say. */
async function archiveOf(request: IncomingMessage): Promise<Readable> {
  const first = await firstBytes(request)
  if (first === undefined) throw invalidInput('EMPTY_ARCHIVE', 'Cannot read the body: expected a tar archive')
  request.unshift(first)
  const isGzip = first[0] === 0x1f && first[1] === 0x8b
  if (!isGzip) return request
  const gunzip = createGunzip()
  request.on('error', error => gunzip.destroy(error))
  return request.pipe(gunzip)
}

function firstBytes(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const onReadable = (): void => {
      const bytes: unknown = request.read()
      if (bytes === null && !request.readableEnded) return
      cleanUp()
      resolve(Buffer.isBuffer(bytes) ? bytes : undefined)
    }
    const onEnd = (): void => {
      cleanUp()
      resolve(undefined)
    }
    const onError = (error: Error): void => {
      cleanUp()
      reject(error)
    }
    const cleanUp = (): void => {
      request.off('readable', onReadable).off('end', onEnd).off('error', onError)
    }
    request.on('readable', onReadable).on('end', onEnd).on('error', onError)
  })
}
