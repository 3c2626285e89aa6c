import { conflict, invalidInput, notFound, unsupported } from '../../../core/errors.ts'
import { isBefore, spokenVersion } from '../../api-version.ts'
import type { Engine } from '../../engine.ts'
import { DETAILS_QUERY } from '../../listed-details.ts'
import { orderedContainer } from '../field-order.ts'
import { beginStream, closedSignal, type HttpApp } from '../http-app.ts'
import { Query, readJson } from '../request.ts'
import { readContainerName, readCreateRequest } from './create-request.ts'

const WAIT_CONDITIONS = ['not-running', 'next-exit', 'removed'] as const
const MS = 1_000

type ById = { readonly Params: { readonly id: string } }

/** Everything about containers but their streams. */
export function containerRoutes(app: HttpApp, engine: Engine): void {
  const { containers } = engine
  app.post('/containers/create', async (request, reply) => {
    const query = new Query(request.url)
    const name = query.text('name')
    const bare = name === undefined ? undefined : readContainerName(name)
    const wanted = readCreateRequest(await readJson(request.raw))
    // Older clients do not know it, and the engine they expect ignores it.
    const platform = isBefore(spokenVersion(request.originalUrl), '1.41') ? undefined : query.text('platform')
    const made = await containers.create(wanted, {
      ...(bare === undefined ? {} : { name: bare }),
      ...(platform === undefined ? {} : { platform }),
    })
    return reply.code(201).send(made)
  })
  app.get('/containers/json', request => {
    const query = new Query(request.url)
    const limit = query.integer('limit')
    return containers.list({
      all: query.flag('all'),
      size: query.flag('size'),
      filters: query.filters(),
      details: query.flag(DETAILS_QUERY),
      ...(limit === undefined || limit <= 0 ? {} : { limit }),
    })
  })
  app.get<ById>('/containers/:id/json', async ({ params, url }) =>
    orderedContainer(await containers.inspect(params.id, { size: new Query(url).flag('size') })),
  )
  app.get<ById>('/containers/:id/top', ({ params, url }) => {
    const psArgs = new Query(url).text('ps_args')
    return containers.top(params.id, psArgs === undefined ? {} : { psArgs })
  })
  app.delete<ById>('/containers/:id', async ({ params, url }, reply) => {
    const query = new Query(url)
    if (query.flag('link')) {
      throw conflict('NOT_A_LINK', 'Conflict, cannot remove the default link name of the container')
    }
    await containers.remove(params.id, { force: query.flag('force'), volumes: query.flag('v') })
    return reply.code(204).send()
  })
  linkRoute(app, engine)
  lifecycleRoutes(app, engine)
  app.post<ById>('/containers/:id/wait', async ({ params, url }, reply) => {
    const text = new Query(url).text('condition') ?? 'not-running'
    const condition = WAIT_CONDITIONS.find(known => known === text)
    if (condition === undefined) {
      throw invalidInput('BAD_QUERY', `invalid condition: "${text}": expected ${WAIT_CONDITIONS.join(', ')}`)
    }
    await containers.inspect(params.id)
    const waiting = containers.wait(params.id, { condition }, closedSignal(reply))
    // `docker run` waits for the head before it starts the container.
    const body = beginStream(reply, 'application/json')
    try {
      body.end(JSON.stringify(await waiting))
    } catch (error) {
      body.end(JSON.stringify({ StatusCode: 125, Error: { Message: error instanceof Error ? error.message : '' } }))
    }
  })
}

/** `DELETE /containers/web/db?link=1` takes a link's name away, and leaves the containers. */
function linkRoute(app: HttpApp, { containers }: Engine): void {
  app.delete<{ readonly Params: { readonly id: string; readonly link: string } }>(
    '/containers/:id/:link',
    async ({ params: { id, link }, url }) => {
      const { Links } = new Query(url).flag('link') ? (await containers.inspect(id)).HostConfig : {}
      if (Links?.some(text => text.endsWith(`/${link}`)) !== true) {
        throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}/${link}`)
      }
      throw unsupported(
        'NO_LINK_REMOVAL',
        'A link stays as long as its container: leave out link, and use networks instead',
      )
    },
  )
}

function lifecycleRoutes(app: HttpApp, { containers }: Engine): void {
  app.post<ById>('/containers/:id/start', async ({ params }, reply) => {
    return reply.code((await containers.start(params.id)) ? 204 : 304).send()
  })
  app.post<ById>('/containers/:id/stop', async ({ params, url }, reply) => {
    const query = new Query(url)
    const signal = query.text('signal')
    const stopped = await containers.stop(params.id, { ...grace(query), ...(signal === undefined ? {} : { signal }) })
    return reply.code(stopped ? 204 : 304).send()
  })
  app.post<ById>('/containers/:id/restart', async ({ params, url }, reply) => {
    const query = new Query(url)
    const signal = query.text('signal')
    await containers.restart(params.id, { ...grace(query), ...(signal === undefined ? {} : { signal }) })
    return reply.code(204).send()
  })
  app.post<ById>('/containers/:id/kill', async ({ params, url }, reply) => {
    await containers.kill(params.id, new Query(url).text('signal') ?? 'SIGKILL')
    return reply.code(204).send()
  })
  app.post<ById>('/containers/:id/pause', async ({ params }, reply) => {
    await containers.pause(params.id)
    return reply.code(204).send()
  })
  app.post<ById>('/containers/:id/unpause', async ({ params }, reply) => {
    await containers.unpause(params.id)
    return reply.code(204).send()
  })
  app.post<ById>('/containers/:id/rename', async ({ params, url }, reply) => {
    const name = new Query(url).text('name')
    if (name === undefined) throw invalidInput('BAD_CONTAINER_NAME', 'Neither old nor new names may be empty')
    await containers.rename(params.id, readContainerName(name))
    return reply.code(204).send()
  })
  app.post<ById>('/containers/:id/resize', async ({ params, url }, reply) => {
    await containers.resize(params.id, terminalSize(new Query(url)))
    return reply.code(200).send()
  })
}

/** `t` in seconds; a negative one means for ever, which is as long as a day here. */
function grace(query: Query): { timeoutMs?: number } {
  const seconds = query.integer('t')
  if (seconds === undefined) return {}
  return { timeoutMs: seconds < 0 ? 24 * 3_600 * MS : seconds * MS }
}

export function terminalSize(query: Query): { height: number; width: number } {
  const height = query.integer('h')
  const width = query.integer('w')
  if (height === undefined || width === undefined || height < 0 || width < 0) {
    throw invalidInput('BAD_QUERY', 'Bad parameters h and w: expected the height and width of a terminal')
  }
  return { height, width }
}
