import { once } from 'node:events'
import { invalidInput } from '../../../core/errors.ts'
import { spokenVersion } from '../../api-version.ts'
import type { Engine, LogOptions } from '../../engine.ts'
import { encodeFrame } from '../../stream-frames.ts'
import { beginStream, closedSignal, type HttpApp } from '../http-app.ts'
import { Query } from '../request.ts'
import { attachOptions, streamType } from '../streams/conversation.ts'
import { answerPlainly } from '../streams/take-over.ts'

type ById = { readonly Params: { readonly id: string } }

/** Output of containers. Attaching with an upgrade of the connection is in hijack.ts. */
export function streamRoutes(app: HttpApp, { containers }: Engine): void {
  app.get<ById>('/containers/:id/logs', async ({ params, url, originalUrl }, reply) => {
    const query = new Query(url)
    const options = logOptions(query)
    // Also says 404 while there is still a status to say it with.
    const tty = (await containers.inspect(params.id)).Config.Tty === true
    const signal = closedSignal(reply)
    const chunks = containers.logs(params.id, options, signal)
    const body = beginStream(reply, streamType({ tty }, spokenVersion(originalUrl)))
    const timestamps = query.flag('timestamps')
    try {
      for await (const { stream, data, time, details } of chunks) {
        const prefix = `${timestamps ? `${time} ` : ''}${details === undefined ? '' : `${details} `}`
        const text = prefix === '' ? data : Buffer.concat([Buffer.from(prefix), data])
        if (!body.write(tty ? text : encodeFrame(stream, text))) await once(body, 'drain', { signal })
      }
      body.end()
    } catch {
      body.destroy()
    }
  })
  app.get<ById>('/containers/:id/attach/ws', async ({ params }) => {
    await containers.inspect(params.id)
    throw invalidInput('NO_WEBSOCKET', 'Expected a request to upgrade the connection to a WebSocket')
  })
  app.post<ById>('/containers/:id/attach', async ({ params, url, raw }, reply) => {
    const attached = await containers.attach(params.id, attachOptions(new Query(url)))
    answerPlainly(attached, raw, reply)
  })
}

function logOptions(query: Query): LogOptions {
  const stdout = query.flag('stdout')
  const stderr = query.flag('stderr')
  if (!stdout && !stderr) {
    throw invalidInput('BAD_QUERY', 'Bad parameters: you must choose at least one stream')
  }
  const tailText = query.text('tail') ?? 'all'
  const tail = /^\d+$/.test(tailText) ? Number(tailText) : undefined
  const sinceNano = query.timeNano('since')
  const untilNano = query.timeNano('until')
  return {
    stdout,
    stderr,
    follow: query.flag('follow'),
    ...(tail === undefined ? {} : { tail }),
    details: query.flag('details'),
    ...(sinceNano === undefined ? {} : { sinceNano }),
    ...(untilNano === undefined ? {} : { untilNano }),
  }
}
