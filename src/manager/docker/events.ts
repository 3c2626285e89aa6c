import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { sleep } from '../../core/clock.ts'
import { failed, invalidInput } from '../../core/errors.ts'
import { parseNano } from '../../core/nano-time.ts'
import { type EngineEvent, EventPace, type Filters } from '../../docker-api/index.ts'
import { oldNames } from '../../docker-api/server/index.ts'
import type { ApiReply, ApiRequest } from '../http/route.ts'
import { parseFilters } from './container-list.ts'
import { answeringNodes, askAll, type ClusterNodes, type NodeEngine } from './nodes.ts'

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
    kept.push(checkedEvent(event))
    if (kept.length >= 2 * PAST_MAX) kept.splice(0, kept.length - PAST_MAX)
  }
  return kept.slice(-PAST_MAX)
}

/** Throws BAD_ANSWER for what is no event. */
function checkedEvent(event: EngineEvent): EngineEvent {
  const { Actor, timeNano } = (event ?? {}) as Partial<EngineEvent>
  if (typeof Actor?.Attributes !== 'object' || Actor.Attributes === null || !Number.isFinite(timeNano)) {
    throw failed('BAD_ANSWER', 'The engine tells something for an event that is none')
  }
  return event
}

function chosen(nodes: ClusterNodes, { nodes: names }: Wanted): readonly NodeEngine[] {
  return nodes.ready().filter(({ name }) => names === undefined || names.includes(name))
}

/** A node whose events a client gets; it stays known when it goes. */
interface Followed {
  node: NodeEngine
  /** Where to go on, in milliseconds since 1970. */
  sinceMs: number
  /** Absent while it does not answer. */
  end?: AbortController | undefined
}

/** Follows every node that answers, and those that come. One that tells events without end does not answer, see the inventory. */
class LiveEvents {
  readonly #response: ServerResponse
  readonly #wanted: Wanted
  readonly #ports: Ports
  readonly #lost = new AbortController()
  readonly #known = new Map<string, Followed>()

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
      for (const { end } of this.#known.values()) end?.abort()
    }
  }

  #look(isFirst: boolean): void {
    const { nodes } = this.#ports
    const ready = () => chosen(nodes, this.#wanted)
    const present = new Map(answeringNodes({ ...nodes, ready }).map(node => [node.name, node]))
    for (const followed of this.#known.values()) {
      if (followed.end === undefined || present.has(followed.node.name)) continue
      followed.end.abort()
      followed.end = undefined
      this.#tellMembership(followed.node, 'engine_disconnect')
    }
    for (const node of present.values()) {
      const before = this.#known.get(node.name)
      if (before?.end !== undefined) continue
      const followed = before ?? { node, sinceMs: this.#wanted.sinceMs ?? 0 }
      this.#known.set(node.name, followed)
      if (!isFirst) this.#tellMembership(node, before === undefined ? 'engine_connect' : 'engine_reconnect')
      void this.#follow(node, followed)
    }
  }

  async #follow(node: NodeEngine, followed: Followed): Promise<void> {
    const { nodes, signal } = this.#ports
    const { filters } = this.#wanted
    const gone = new AbortController()
    const end = AbortSignal.any([signal, gone.signal])
    followed.node = node
    followed.end = gone
    const pace = new EventPace(nodes.clock)
    while (!end.aborted) {
      try {
        for await (const event of node.engine.events({ sinceMs: followed.sinceMs, filters }, end)) {
          if (pace.isTooFast()) await pace.pause(end)
          if (end.aborted) return
          const line = toLine(checkedEvent(event), node)
          // A microsecond later, so that it is not told twice when the node is asked again.
          followed.sinceMs = event.timeNano / 1e6 + 0.001
          this.#push(line)
        }
      } catch {
        // It is asked again, from where it stopped.
      }
      await sleep(nodes.clock, LOOK_MS, end).catch(() => {})
    }
  }

  /** As classic Swarm tells of its engines. */
  #tellMembership(node: NodeEngine, Action: string): void {
    const { type } = this.#wanted.filters
    if (type !== undefined && !type.includes('swarm')) return
    const nowMs = this.#ports.nodes.clock.nowMs()
    const event = {
      Type: 'swarm',
      Action,
      status: Action,
      from: `swarm node:${node.name}`,
      Actor: { ID: node.name, Attributes: attributesOf(node) },
      node: oldNodeOf(node),
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
function toLine(event: EngineEvent, node: NodeEngine): string {
  const { Type, Actor } = event
  const image = Actor.Attributes['image']
  const line = {
    ...oldNames(event),
    ...event,
    from: `${Type === 'container' && image !== undefined ? image : ''} node:${node.name}`.trimStart(),
    Actor: { ...Actor, Attributes: { ...Actor.Attributes, ...attributesOf(node) } },
    node: oldNodeOf(node),
  }
  return `${JSON.stringify(line)}\n`
}

function attributesOf({ name, member }: NodeEngine): Readonly<Record<string, string>> {
  return { 'node.name': name, 'node.id': member.id, 'node.addr': member.apiAddress, 'node.ip': ipOf(member) }
}

function oldNodeOf({ name, member }: NodeEngine): object {
  return { Name: name, Id: member.id, Addr: member.apiAddress, Ip: ipOf(member) }
}

function ipOf({ apiAddress }: NodeEngine['member']): string {
  return apiAddress.split(/:\d+$/)[0] ?? ''
}
