import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../../core/clock.ts'
import { invalidInput } from '../../../core/errors.ts'
import { versionOf } from '../../api-version.ts'
import type { Engine, ImageOperations } from '../../engine.ts'
import { beginStream, type HttpApp, type HttpReply, type HttpRequest } from '../http-app.ts'
import { Query } from '../request.ts'
import { inspectFor, summaryFor } from './image-shapes.ts'
import { pushImage, transferRoutes } from './image-transfer-routes.ts'

type ByPath = { readonly Params: { readonly '*': string } }

/** Image names have slashes in them, so what is behind the name is told from the end of the path. */
export function imageRoutes(app: HttpApp, engine: Engine, clock: Clock): void {
  const { images } = engine
  transferRoutes(app, images, clock)
  app.post('/images/prune', ({ url }) => images.prune({ filters: new Query(url).filters() }))
  app.get('/images/json', request => list(images, request))
  app.get('/images/get', (request, reply) => save(images, new Query(request.url).all('names'), reply))
  app.get<ByPath>('/images/*', async (request, reply) => {
    const [name, verb] = splitVerb(request.params['*'])
    if (verb === 'json') return inspectFor(versionOf(request.originalUrl), await images.inspect(name))
    if (verb === 'history') return images.history(name)
    if (verb === 'get') return save(images, [name], reply)
    return reply.callNotFound()
  })
  app.post<ByPath>('/images/*', async (request, reply) => {
    const [name, verb] = splitVerb(request.params['*'])
    const query = new Query(request.url)
    if (verb === 'push') return pushImage(images, name, { request, reply })
    if (verb !== 'tag') return reply.callNotFound()
    const repository = query.text('repo')
    if (repository === undefined) throw invalidInput('BAD_QUERY', 'Bad parameter repo: expected the new name')
    const tag = query.text('tag')
    await images.tag(name, tag === undefined ? repository : `${repository}:${tag}`)
    return reply.code(201).send()
  })
  app.delete<ByPath>('/images/*', ({ params, url }) => {
    const query = new Query(url)
    return images.remove(params['*'], { force: query.flag('force'), noprune: query.flag('noprune') })
  })
}

function splitVerb(path: string): [name: string, verb: string] {
  const slash = path.lastIndexOf('/')
  return [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)]
}

async function list(images: ImageOperations, { url, originalUrl }: HttpRequest): Promise<readonly object[]> {
  const query = new Query(url)
  const pattern = query.text('filter')
  const filters = { ...query.filters(), ...(pattern === undefined ? {} : { reference: [pattern] }) }
  const found = await images.list({ filters, sharedSize: query.flag('shared-size'), all: query.flag('all') })
  return found.map(summary => summaryFor(versionOf(originalUrl), summary))
}

async function save(images: ImageOperations, names: readonly string[], reply: HttpReply): Promise<void> {
  if (names.length === 0) throw invalidInput('BAD_QUERY', 'Bad parameter names: expected at least one image')
  // Before the head of the answer, so that a missing image is a 404.
  for (const name of names) await images.inspect(name)
  const archive = await images.save(names)
  await pipeline(archive, beginStream(reply, 'application/x-tar')).catch(() => reply.raw.destroy())
}
