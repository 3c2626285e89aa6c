import { pipeline } from 'node:stream/promises'
import { invalidInput, unsupported } from '../../core/errors.ts'
import type { Engine, ImageOperations } from '../engine.ts'
import { archiveOf } from './body-archive.ts'
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
