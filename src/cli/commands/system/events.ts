import { createInterface } from 'node:readline'
import { type EngineEvent, filterQuery } from '../../../docker-api/index.ts'
import { type EngineCommand, withEngine } from '../../engine/engine-api.ts'
import { readFilters } from '../../engine/filters.ts'
import { compileTemplate } from '../../output/go-template/render.ts'
import { readMoment } from '../container/logs.ts'

/** `shoal events`: what happens, as it happens. */
export const runEvents = withEngine(watchEvents)

export async function watchEvents({ api, options, context }: EngineCommand): Promise<void> {
  const { clock, stdout } = context
  const time = (name: string): string | undefined => readMoment(options.text(name), clock.nowMs())
  const query = {
    since: time('since'),
    until: time('until'),
    filters: filterQuery(readFilters(options.list('filter'))),
  }
  const format = options.text('format') ?? ''
  const template = format === '' || format === 'json' ? undefined : compileTemplate(format)
  const body = await api.stream('GET', '/events', { query })
  for await (const line of createInterface({ input: body })) {
    if (line.trim() === '') continue
    if (format === 'json') stdout.write(`${line.trim()}\n`)
    else {
      const event = JSON.parse(line) as EngineEvent
      stdout.write(
        `${template === undefined ? eventText(event, nanosecondsOf(line)) : template(messageOf(event, line))}\n`,
      )
    }
  }
}

/** An event as templates see it, by docker's names of its fields. */
function messageOf(event: EngineEvent, line: string): object {
  const { Type, Action, Actor, scope, time } = event
  const { status = '', id = '', from = '' } = event as { status?: string; id?: string; from?: string }
  const TimeNano = `${time}${nanosecondsOf(line)}`
  const message = { Status: status, ID: id, From: from, Type, Action, Actor, Scope: scope, Time: time, TimeNano }
  // As a whole it is what the engine has said.
  return Object.defineProperty(message, 'toJSON', { value: () => event })
}

/** `2026-01-02T15:04:05.123456789Z container start 4f5… (image=web, name=web)`. */
export function eventText({ Type, Action, Actor, time }: EngineEvent, nanoseconds: string): string {
  const attributes = Object.entries(Actor.Attributes ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
  const detail = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`
  return `${timeText(time, nanoseconds)} ${Type} ${Action} ${Actor.ID}${detail}`
}

/** A moment in nanoseconds does not fit a number: it is taken from the text. */
function nanosecondsOf(line: string): string {
  return /"timeNano":\s*\d*?(\d{9})\b/.exec(line)?.[1] ?? '000000000'
}

/** In our own time zone, as docker. */
function timeText(seconds: number, fraction: string): string {
  const date = new Date(seconds * 1_000)
  const offset = -date.getTimezoneOffset()
  const local = new Date(seconds * 1_000 + offset * 60_000).toISOString().slice(0, 19)
  const [sign, minutes] = [offset < 0 ? '-' : '+', Math.abs(offset)]
  const two = (value: number): string => String(value).padStart(2, '0')
  const zone = offset === 0 ? 'Z' : `${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
  return `${local}.${fraction}${zone}`
}
