import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { sleep } from '../../core/clock.ts'
import { failed, invalidInput } from '../../core/errors.ts'
import { parseNano } from '../../core/nano-time.ts'
import type { EngineEvent, Filters } from '../../docker-api/index.ts'
import { oldNames } from '../../docker-api/server/index.ts'
import type { ApiReply, ApiRequest } from '../http/route.ts'
import { parseFilters } from './container-list.ts'
import { askAll, type ClusterNodes, type NodeEngine } from './nodes.ts'

interface Wanted {
  readonly sinceMs?: number
  readonly untilMs?: number
  readonly filters: Filters
  /** Names of nodes; absent: all. */
  readonly nodes?: readonly string[]
}

/** How often we look whether nodes came or went. */
const LOOK_MS = 1_000
/** Of one node's past. Engines themselves remember some hundred events. */
const PAST_MAX = 10_000
/** A client that does not read is let go, as by classic Swarm, before it costs memory: some 10,000 events. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024

/** `GET /events`: those of all nodes in one stream, each with its node as classic Swarm adds it. */
export function followEvents(request: ApiRequest, nodes: ClusterNodes): ApiReply {
  const wanted = readWanted(request)
  return {
    async answer(response) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.flushHeaders()
      try {
        await writeEvents(response, wanted, { nodes, signal: request.signal })
        response.end()
      } catch {
        // Not an end but a break, so that nobody takes what came for all there was.
        response.destroy()
      }
    },
  }
}

function readWanted({ query }: ApiRequest): Wanted {
  const { node, ...filters } = parseFilters(query['filters'])
  const sinceMs = readTime('since', query)
  const untilMs = readTime('until', query)
  return {
    filters,
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(node === undefined ? {} : { nodes: node }),
  }
}

/** Unix seconds, with fractions, or a date. */
function readTime(name: string, query: ApiRequest['query']): number | undefined {
  const text = query[name]
  if (text === undefined || text === '' || text === '0') return undefined
  const nano = parseNano(text)
  if (nano === undefined) {
    throw invalidInput('BAD_QUERY', `Cannot read ${name} "${text}": expected Unix seconds or a date`)
  }
  return Number(nano / 1_000n) / 1_000
}

interface Ports {
  readonly nodes: ClusterNodes
  readonly signal: AbortSignal
}

async function writeEvents(response: ServerResponse, wanted: Wanted, ports: Ports): Promise<void> {
  const { sinceMs, untilMs } = wanted
  const { clock } = ports.nodes
  const nowMs = clock.nowMs()
  if (sinceMs !== undefined && sinceMs < nowMs) await writePast(response, wanted, ports)
  if (untilMs !== undefined && untilMs <= nowMs) return
  const end = new AbortController()
  const timer = untilMs === undefined ? undefined : clock.setTimer(untilMs - nowMs, () => end.abort())
  const signal = AbortSignal.any([ports.signal, end.signal])
  try {
    await new LiveEvents(response, { ...wanted, sinceMs: nowMs }, { ...ports, signal }).run()
  } finally {
    timer?.cancel()
  }
}

/** What has happened, of all nodes in the order of time. */
async function writePast(response: ServerResponse, wanted: Wanted, { nodes, signal }: Ports): Promise<void> {
  const { filters, sinceMs = 0, untilMs = Number.POSITIVE_INFINITY } = wanted
  const period = { sinceMs, untilMs: Math.min(untilMs, nodes.clock.nowMs()) }
  const among = { ...nodes, ready: () => chosen(nodes, wanted) }
  const answers = await askAll(among, (engine, _node, inner) => {
    const end = AbortSignal.any([signal, inner])
    return lastEvents(engine.events({ ...period, filters }, end), end)
  })
  const past = answers.flatMap(({ node, value }) => value.map(event => ({ node, event })))
  past.sort((a, b) => a.event.timeNano - b.event.timeNano)
  for (const { node, event } of past) await write(response, toLine(event, node), signal)
}

/** The last of what a node tells: one that tells without end runs into its deadline, and not into our memory. */
export async function lastEvents(events: AsyncIterable<EngineEvent>, signal: AbortSignal): Promise<EngineEvent[]> {
  const kept: EngineEvent[] = []
  for await (const event of events) {
    signal.throwIfAborted()
    const { Actor, timeNano } = (event ?? {}) as Partial<EngineEvent>
    if (typeof Actor?.Attributes !== 'object' || typeof timeNano !== 'number') {
      throw failed('BAD_ANSWER', 'The engine tells something for an event that is none')
    }
    kept.push(event)
    if (kept.length >= 2 * PAST_MAX) kept.splice(0, kept.length - PAST_MAX)
  }
  return kept.slice(-PAST_MAX)
}

function chosen(nodes: ClusterNodes, { nodes: names }: Wanted): readonly NodeEngine[] {
  return nodes.ready().filter(({ name }) => names === undefined || names.includes(name))
}

/** Follows every node that is up, and those that come. */
class LiveEvents {
  readonly #response: ServerResponse
  readonly #wanted: Wanted
  readonly #ports: Ports
  readonly #lost = new AbortController()
  readonly #following = new Map<string, AbortController>()

  constructor(response: ServerResponse, wanted: Wanted, ports: Ports) {
    this.#response = response
    this.#wanted = wanted
    this.#ports = ports
  }

  /** Until the signal is aborted. Throws when the client does not read. */
  async run(): Promise<void> {
    const { nodes, signal } = this.#ports
    let isFirst = true
    try {
      while (!signal.aborted) {
        this.#look(isFirst)
        isFirst = false
        await sleep(nodes.clock, LOOK_MS, AbortSignal.any([signal, this.#lost.signal])).catch(() => {})
        this.#lost.signal.throwIfAborted()
      }
    } finally {
      for (const end of this.#following.values()) end.abort()
    }
  }

  #look(isFirst: boolean): void {
    const present = chosen(this.#ports.nodes, this.#wanted)
    for (const [name, end] of this.#following) {
      if (present.some(node => node.name === name)) continue
      end.abort()
      this.#following.delete(name)
      this.#tellMembership(name, 'engine_disconnect')
    }
    for (const node of present) {
      if (this.#following.has(node.name)) continue
      const end = new AbortController()
      this.#following.set(node.name, end)
      if (!isFirst) this.#tellMembership(node.name, 'engine_connect')
      void this.#follow(node, end.signal)
    }
  }

  async #follow(node: NodeEngine, gone: AbortSignal): Promise<void> {
    const { nodes, signal } = this.#ports
    const end = AbortSignal.any([signal, gone])
    const { filters } = this.#wanted
    let sinceMs = this.#wanted.sinceMs ?? 0
    while (!end.aborted) {
      try {
        for await (const event of node.engine.events({ sinceMs, filters }, end)) {
          // A microsecond later, so that it is not told twice when the node is asked again.
          sinceMs = event.timeNano / 1e6 + 0.001
          this.#push(toLine(event, node))
        }
      } catch {
        // It is asked again, from where it stopped.
      }
      await sleep(nodes.clock, LOOK_MS, end).catch(() => {})
    }
  }

  #tellMembership(name: string, Action: string): void {
    const { type } = this.#wanted.filters
    if (type !== undefined && !type.includes('swarm')) return
    const nowMs = this.#ports.nodes.clock.nowMs()
    const event = {
      Type: 'swarm',
      Action,
      status: Action,
      from: `swarm node:${name}`,
      Actor: { ID: name, Attributes: { 'node.name': name } },
      scope: 'swarm',
      time: Math.floor(nowMs / 1_000),
      timeNano: nowMs * 1e6,
    }
    this.#push(`${JSON.stringify(event)}\n`)
  }

  #push(line: string): void {
    this.#response.write(line)
    if (this.#response.writableLength > UNREAD_BYTES_MAX) {
      this.#lost.abort(failed('EVENTS_LOST', 'The client does not read its events'))
    }
  }
}

async function write(response: ServerResponse, line: string, signal: AbortSignal): Promise<void> {
  if (!response.write(line)) await once(response, 'drain', { signal })
}

/** Classic Swarm's additions (cluster/swarm/cluster.go), beside the fields that old clients read. */
function toLine(event: EngineEvent, { name, member }: NodeEngine): string {
  const [ip = ''] = member.apiAddress.split(/:\d+$/)
  const { Type, Actor } = event
  const image = Actor.Attributes['image']
  const Attributes = {
    ...Actor.Attributes,
    'node.name': name,
    'node.id': member.id,
    'node.addr': member.apiAddress,
    'node.ip': ip,
  }
  const line = {
    ...oldNames(event),
    ...event,
    from: `${Type === 'container' && image !== undefined ? image : ''} node:${name}`.trimStart(),
    Actor: { ...Actor, Attributes },
    node: { Name: name, Id: member.id, Addr: member.apiAddress, Ip: ip },
  }
  return `${JSON.stringify(line)}\n`
}
