import { unsupported } from '../../core/errors.ts'
import type { Engine, ImageOperations } from '../engine.ts'
import { archiveOf } from './body-archive.ts'
import { closedSignal, type HttpApp, type HttpReply, type HttpRequest } from './http-app.ts'
import { ProgressStream } from './progress-stream.ts'
import { Query } from './request.ts'

export function buildRoutes(app: HttpApp, { images }: Engine): void {
  app.post('/build', (request, reply) => build(images, request, reply))
  app.post('/build/prune', request => images.pruneBuildCache({ all: new Query(request.url).flag('all') }))
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
