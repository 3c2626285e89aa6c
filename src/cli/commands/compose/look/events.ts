import { createInterface } from 'node:readline'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import { type EngineEvent, filterQuery } from '../../../../docker-api/index.ts'
import { readMoment } from '../../container/logs.ts'
import { projectName } from '../spec/project-name.ts'
import { withManager } from '../with-manager.ts'

/** `compose events`: what happens to the containers of a project on all hosts, as it happens. */
export const runEvents = withManager(async ({ api, options, context, globals, args }) => {
  const project = await projectName(globals, context)
  const moment = (name: string): string | undefined =>
    readMoment(options.text(name), context.clock.nowMs(), `--${name}`)
  const query = {
    since: moment('since'),
    until: moment('until'),
    filters: filterQuery({ type: ['container'], label: [`${COMPOSE_LABELS.project}=${project}`] }),
  }
  const body = await api.stream('GET', '/events', { query })
  for await (const line of createInterface({ input: body })) {
    if (line.trim() === '') continue
    const event = JSON.parse(line) as EngineEvent
    const service = event.Actor.Attributes?.[COMPOSE_LABELS.service] ?? ''
    // Containers that belong to no service are docker compose's business neither.
    if (service === '' || (args.length > 0 && !args.includes(service))) continue
    context.stdout.write(`${options.flag('json') ? jsonOf(event, service) : textOf(event)}\n`)
  }
})

/** What is told of a container; compose's own labels are known anyway. */
function attributesOf({ Actor }: EngineEvent): Record<string, string> {
  const entries = Object.entries(Actor.Attributes ?? {}).filter(([name]) => !name.startsWith('com.docker.compose.'))
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function timeOf(event: EngineEvent): string {
  const nanoseconds = (event as { readonly timeNano?: number }).timeNano ?? event.time * 1e9
  return new Date(nanoseconds / 1e6).toISOString()
}

function jsonOf(event: EngineEvent, service: string): string {
  return JSON.stringify({
    time: timeOf(event),
    type: event.Type,
    service,
    id: event.Actor.ID,
    action: event.Action,
    attributes: attributesOf(event),
  })
}

/** `2026-01-02 15:04:05.123000 container start 4f5… (image=web:1, name=shop-web-1)`, in universal time. */
function textOf(event: EngineEvent): string {
  const time = timeOf(event).replace('T', ' ').replace(/Z$/, '000')
  const attributes = Object.entries(attributesOf(event)).map(([key, value]) => `${key}=${value}`)
  return `${time} ${event.Type} ${event.Action} ${event.Actor.ID} (${attributes.join(', ')})`
}
