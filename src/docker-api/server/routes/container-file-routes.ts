import { once } from 'node:events'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Clock } from '../../../core/clock.ts'
import { invalidInput } from '../../../core/errors.ts'
import type { ArchiveStream, CommitOptions, ContainerStats, PathStat } from '../../container-file-types.ts'
import type { ContainerConfig } from '../../container-types.ts'
import { CREATE_SHAPES, UPDATE_SHAPES } from '../../create-shapes.ts'
import type { Engine } from '../../engine.ts'
import { readFields } from '../../read-shape.ts'
import { beginStream, closedSignal, type HttpApp, type HttpReply } from '../http-app.ts'
import { Query, readJson } from '../request.ts'
import { shieldedBody } from '../streams/shielded-body.ts'

type ById = { readonly Params: { readonly id: string } }

const TAR = 'application/x-tar'
const STAT_HEADER = 'X-Docker-Container-Path-Stat'

/** Files, limits and use of containers. */
export function containerFileRoutes(app: HttpApp, engine: Engine, clock: Clock): void {
  archiveRoutes(app, engine, clock)
  const { containers } = engine
  app.get<ById>('/containers/:id/changes', ({ params }) => containers.changes(params.id))
  app.get<ById>('/containers/:id/export', async ({ params }, reply) =>
    sendArchive(reply, await containers.export(params.id)),
  )
  app.get<ById>('/containers/:id/stats', ({ params, url }, reply) => sendStats(engine, params.id, { url, reply }))
  app.post<ById>('/containers/:id/update', async ({ params, raw }) =>
    containers.update(params.id, readFields(await readJson(raw), UPDATE_SHAPES)),
  )
  app.post('/containers/prune', ({ url }) => containers.prune({ filters: new Query(url).filters() }))
  app.post('/commit', async ({ url, raw }, reply) => {
    const query = new Query(url)
    const container = query.text('container')
    if (container === undefined) throw invalidInput('BAD_QUERY', 'invalid name or ID supplied: ""')
    const config: ContainerConfig = readFields(await readJson(raw), CREATE_SHAPES)
    const given = Object.keys(config).length === 0 ? {} : { config }
    return reply.code(201).send({ Id: await containers.commit(container, { ...commitOptions(query), ...given }) })
  })
}

function archiveRoutes(app: HttpApp, { containers }: Engine, clock: Clock): void {
  app.head<ById>('/containers/:id/archive', async ({ params, url }, reply) => {
    const stat = await containers.statPath(params.id, pathOf(new Query(url)))
    return reply.header(STAT_HEADER, encodeStat(stat)).code(200).send()
  })
  app.get<ById>('/containers/:id/archive', async ({ params, url }, reply) => {
    const { stat, archive } = await containers.readArchive(params.id, pathOf(new Query(url)))
    sendArchive(reply, archive, { [STAT_HEADER]: encodeStat(stat) })
  })
  app.put<ById>('/containers/:id/archive', async ({ params, url, raw }, reply) => {
    const query = new Query(url)
    await using body = shieldedBody(raw, clock)
    await containers.writeArchive(params.id, pathOf(query), {
      noOverwriteDirNonDir: query.flag('noOverwriteDirNonDir'),
      copyUIDGID: query.flag('copyUIDGID'),
      archive: body.stream,
      signal: closedSignal(reply),
    })
    return reply.code(200).send()
  })
}

function pathOf(query: Query): string {
  const path = query.text('path')
  if (path === undefined) throw invalidInput('BAD_QUERY', 'bad parameter: path cannot be empty')
  return path
}

function encodeStat(stat: PathStat): string {
  return Buffer.from(JSON.stringify(stat)).toString('base64')
}

/** A failure in the middle cuts the answer off, so that nobody takes it for a whole archive. */
function sendArchive(reply: HttpReply, archive: ArchiveStream, headers: OutgoingHttpHeaders = {}): void {
  const body = beginStream(reply, TAR, 200, headers)
  // Who hung up while it was prepared is not told of again, and what it holds would never be let go.
  if (body.destroyed) return void archive.destroy()
  archive.once('error', () => body.destroy())
  body.once('close', () => archive.destroy())
  body.on('drain', () => archive.resume())
  archive.once('end', () => body.end())
  archive.on('data', (piece: Buffer) => {
    // Its memory is free once the kernel, or the encryption, has taken what is in it.
    if (!body.write(piece, () => archive.giveBack?.(piece))) archive.pause()
  })
}

async function sendStats(
  { containers }: Engine,
  id: string,
  { url, reply }: { readonly url: string; readonly reply: HttpReply },
): Promise<void> {
  const query = new Query(url)
  const stream = query.flag('stream', true)
  const oneShot = query.flag('one-shot')
  if (stream && oneShot) throw invalidInput('BAD_QUERY', 'cannot have stream=true and one-shot=true')
  const signal = closedSignal(reply)
  const wanted: AsyncIterable<ContainerStats> = containers.stats(id, { stream, oneShot }, signal)
  const samples = wanted[Symbol.asyncIterator]()
  // The first one also says 404, while there is still a status to say it with.
  let sample = await samples.next()
  const body = beginStream(reply, 'application/json')
  try {
    for (; sample.done !== true; sample = await samples.next()) {
      if (!body.write(`${JSON.stringify(sample.value)}\n`)) await once(body, 'drain', { signal })
    }
    body.end()
  } catch {
    body.destroy()
  }
}

function commitOptions(query: Query): CommitOptions {
  const texts = ['repo', 'tag', 'comment', 'author'] as const
  const given = texts.flatMap(key => {
    const value = query.text(key)
    return value === undefined ? [] : [[key, value] as const]
  })
  return {
    ...Object.fromEntries(given),
    pause: query.flag('pause', true),
    changes: query.all('changes').flatMap(text => text.split('\n')),
  }
}
