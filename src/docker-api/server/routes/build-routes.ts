import type { Readable } from 'node:stream'
import type { Clock } from '../../../core/clock.ts'
import type { BuildOptions, Engine, ImageOperations } from '../../engine.ts'
import type { ProgressMessage } from '../../resource-types.ts'
import { closedSignal, type HttpApp, type HttpReply, type HttpRequest } from '../http-app.ts'
import { Query } from '../request.ts'
import { archiveOf } from '../streams/body-archive.ts'
import { ProgressStream } from '../streams/progress-stream.ts'
import { shieldedBody } from '../streams/shielded-body.ts'
import { readBuildOptions } from './build-query.ts'

/** Lines of a quiet build that are kept to be shown if it fails. */
const KEPT_MAX = 10_000

export function buildRoutes(app: HttpApp, { images }: Engine, clock: Clock): void {
  app.post('/build', async (request, reply) => {
    await using body = shieldedBody(request.raw, clock)
    await build(images, { request, body: body.stream }, reply)
  })
  app.post('/build/prune', ({ url }) => {
    const query = new Query(url)
    const keepBytes = query.integer('keep-storage') ?? 0
    return images.pruneBuildCache({ all: query.flag('all'), keepBytes, filters: query.filters() })
  })
}

interface BuildRequest {
  readonly request: HttpRequest
  readonly body: Readable
}

async function build(images: ImageOperations, { request, body }: BuildRequest, reply: HttpReply): Promise<void> {
  const query = new Query(request.url)
  const options: BuildOptions = readBuildOptions(query, request.headers)
  const context = options.remote === undefined ? await archiveOf(body) : body
  const stream = new ProgressStream(reply)
  const signal = closedSignal(reply)
  if (!query.flag('q')) {
    let isTold = false
    const show = (message: ProgressMessage): void => {
      isTold ||= message.aux?.['ID'] !== undefined
      stream.write(message)
    }
    const work = images.build(context, options, show, signal)
    return stream.finish(work, id => (isTold ? [] : [{ aux: { ID: id } }]))
  }
  // A quiet build says nothing but the image's id, unless it fails.
  const kept: ProgressMessage[] = []
  const keep = (message: ProgressMessage): void => {
    if (kept.push(message) > KEPT_MAX) kept.shift()
  }
  const work = images.build(context, options, keep, signal).catch((error: unknown) => {
    for (const message of kept) stream.write(message)
    throw error
  })
  await stream.finish(work, id => [{ stream: `${id}\n` }])
}
