import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { failed, invalidInput } from '../../../core/errors.ts'
import type { Engine } from '../../engine.ts'
import type { EngineEvent } from '../../resource-types.ts'
import { beginStream, closedSignal, type HttpApp } from '../http-app.ts'
import { Query } from '../request.ts'

/** `GET /events`: one JSON object a line for as long as the client listens. */
export function eventRoutes(app: HttpApp, { events }: Pick<Engine, 'events'>): void {
  const toLine = eventLines()
  app.get('/events', async (request, reply) => {
    const query = new Query(request.url)
    const wanted = { filters: query.filters(), ...period(query) }
    const lost = new AbortController()
    const signal = AbortSignal.any([closedSignal(reply), lost.signal])
    const onLost = (): void => lost.abort(failed('EVENTS_LOST', 'The client does not read its events'))
    const stream = events({ ...wanted, onLost }, signal)
    const body = beginStream(reply, 'application/json')
    try {
      for await (const event of stream) {
        // What has happened by now leaves in one write.
        body.cork()
        process.nextTick(() => body.uncork())
        if (!body.write(toLine(event))) await drained(body, signal)
      }
      body.end()
    } catch {
      // Not an end but a break, so that nobody takes what came for all there was.
      body.destroy()
    }
  })
}

function period(query: Query): { sinceMs?: number; untilMs?: number } {
  const sinceMs = query.timeMs('since')
  const untilMs = query.timeMs('until')
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs > untilMs) {
    throw invalidInput(
      'BAD_QUERY',
      `\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`,
    )
  }
  return { ...(sinceMs === undefined ? {} : { sinceMs }), ...(untilMs === undefined ? {} : { untilMs }) }
}

async function drained(body: ServerResponse, signal: AbortSignal): Promise<void> {
  await once(body, 'drain', { signal })
}

/** Writes an event as JSON; once, however many clients it goes to. */
function eventLines(): (event: EngineEvent) => string {
  const lines = new WeakMap<EngineEvent, string>()
  return event => {
    const known = lines.get(event)
    if (known !== undefined) return known
    const line = `${JSON.stringify({ ...oldNames(event), ...event })}\n`
    lines.set(event, line)
    return line
  }
}

/** Fields that clients of API 1.21 and older read; Docker still sends them. */
export function oldNames({ Type, Action, Actor }: EngineEvent): object {
  if (Type !== 'container' && Type !== 'image') return {}
  const from = Type === 'container' ? Actor.Attributes['image'] : undefined
  return { status: Action, id: Actor.ID, ...(from === undefined ? {} : { from }) }
}
