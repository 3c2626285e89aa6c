import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { sleep, systemClock } from '../../../src/core/clock.ts'
import { conflict, notFound, unavailable } from '../../../src/core/errors.ts'
import type { Engine, EngineEvent, ImageInspect, SystemInfo } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, lab, startFront } from './front-lab.ts'

const BUILT = `sha256:${'b'.repeat(64)}`

const image = (Id: string, LastTagTime: string) => ({ Id, Metadata: { LastTagTime } }) as unknown as ImageInspect

describe('events of the cluster', () => {
  const event = (Action: string, seconds: number): EngineEvent => ({
    Type: 'container',
    Action,
    Actor: { ID: 'c1', Attributes: { image: 'app', name: 'web' } },
    scope: 'local',
    time: seconds,
    timeNano: seconds * 1e9,
  })

  const FUTURE = 4e9

  /** A node with a past, that tells news until it is hung up on. */
  function engineWithEvents(past: readonly EngineEvent[], news: readonly EngineEvent[] = []): Engine {
    return stubEngine({
      version: async () => ({ ApiVersion: '1.41' }) as never,
      async *events({ untilMs, sinceMs = 0 }, signal) {
        if (untilMs !== undefined) return yield* past
        // What is told of the far future is news until it was told.
        yield* news.filter(({ time }) => time < FUTURE || time * 1_000 > sinceMs)
        await sleep(systemClock, 60_000, signal)
      },
    })
  }

  type Line = Record<string, unknown>

  /** All that a client is told, until the test ends. */
  function listen(port: number, query = ''): Line[] {
    const told: Line[] = []
    const hangUp = new AbortController()
    lab.scope.defer(() => hangUp.abort())
    const reading = async (): Promise<void> => {
      const { body } = await fetch(`http://127.0.0.1:${port}/v1.41/events${query}`, { signal: hangUp.signal })
      let rest = ''
      for await (const chunk of body ?? []) {
        const parts = (rest + Buffer.from(chunk).toString()).split('\n')
        rest = parts.pop() ?? ''
        told.push(...parts.map(part => JSON.parse(part) as Line))
      }
    }
    reading().catch(() => {})
    return told
  }

  const toldOf = (told: readonly Line[], action: string): Promise<unknown> =>
    vi.waitUntil(() => told.some(({ Action }) => Action === action), 20_000)

  async function read(port: number, query: string, count: number): Promise<Line[]> {
    const told = listen(port, query)
    await vi.waitUntil(() => told.length >= count, 20_000)
    return told
  }

  it('are those of all nodes, the past in the order of time, each with its node', async () => {
    await addNode('n1', engineWithEvents([event('create', 100), event('die', 300)]))
    await addNode('n2', engineWithEvents([event('start', 200)]))
    const port = await startFront()
    const lines = await read(port, '?since=50&until=400', 3)
    expect(lines.map(({ status, from }) => [status, from])).toEqual([
      ['create', 'app node:n1'],
      ['start', 'app node:n2'],
      ['die', 'app node:n1'],
    ])
    expect(lines[1]).toMatchObject({
      Actor: { ID: 'c1', Attributes: { name: 'web', 'node.name': 'n2', 'node.ip': '127.0.0.1' } },
      node: { Name: 'n2', Id: 'id-n2' },
    })
  })

  it('go on while the client listens, from nodes that join too', async () => {
    await addNode('n1', engineWithEvents([], [event('start', 100)]))
    const port = await startFront()
    const lines = listen(port)
    await addNode('n2', engineWithEvents([], [event('stop', 200)]))
    await Promise.all(['start', 'stop'].map(action => toldOf(lines, action)))
    const told = lines.map(({ Action, node }) => `${String(Action)} ${(node as { Name?: string })?.Name ?? ''}`)
    expect(told).toContain('start n1')
    expect(told).toContain('stop n2')
  })

  it('tell of nodes that go and return, and tell nothing twice', async () => {
    await addNode('n1', engineWithEvents([]))
    await addNode('n2', engineWithEvents([], [event('start', FUTURE)]))
    const told = listen(await startFront())
    await toldOf(told, 'start')
    lab.away = lab.members.splice(1)
    await toldOf(told, 'engine_disconnect')
    lab.members.push(...lab.away.splice(0))
    await toldOf(told, 'engine_reconnect')
    await addNode('n3', engineWithEvents([], [event('stop', FUTURE)]))
    await toldOf(told, 'stop')
    const actions = told.map(({ Action }) => Action)
    expect(actions).toEqual(['start', 'engine_disconnect', 'engine_reconnect', 'engine_connect', 'stop'])
    expect(told[1]).toMatchObject({
      Type: 'swarm',
      from: 'swarm node:n2',
      Actor: { Attributes: { 'node.name': 'n2', 'node.id': 'id-n2', 'node.ip': '127.0.0.1' } },
      node: { Name: 'n2' },
    })
  })

  it('are not drowned in those of a node that tells without end, or tells no events', async () => {
    const [lies, news] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const telling = (tell: (signal: AbortSignal) => AsyncIterable<unknown>): Engine =>
      stubEngine({
        version: async () => ({ ApiVersion: '1.41' }) as never,
        events: (_options, signal) => tell(signal) as AsyncIterable<never>,
      })
    const lying = (lie: () => unknown): Engine =>
      telling(async function* (signal) {
        await lies.promise
        while (!signal.aborted) yield lie()
      })
    await addNode(
      'flood',
      lying(() => event('die', FUTURE)),
    )
    await addNode(
      'garbage',
      lying(() => ({ Type: 5, Actor: null })),
    )
    await addNode(
      'good',
      telling(async function* (signal) {
        yield event('start', FUTURE)
        await news.promise
        yield event('stop', FUTURE)
        await sleep(systemClock, 60_000, signal)
      }),
    )
    const port = await startFront()
    const told = listen(port)
    await toldOf(told, 'start')
    lies.resolve()
    await toldOf(told, 'engine_disconnect')
    news.resolve()
    await toldOf(told, 'stop')
    expect(told.filter(({ Action }) => Action === 'die').length).toBeLessThan(20_000)
    expect(told.every(({ Type }) => Type === 'container' || Type === 'swarm')).toBe(true)
    const named = async (): Promise<boolean> => {
      const { SystemStatus = [] } = (await get(port, '/info')).body as SystemInfo
      const errors = SystemStatus.flatMap(([key, value]) => ((key ?? '').includes('Error') ? [value ?? ''] : []))
      return (
        errors.some(error => error.includes('events without end')) &&
        errors.some(error => /event that is none/.test(error))
      )
    }
    await vi.waitUntil(named, 20_000)
  })

  it('of one node are had by asking for it, and a time that is none is refused', async () => {
    await addNode('n1', engineWithEvents([event('create', 100)]))
    await addNode('n2', engineWithEvents([event('start', 200)]))
    const port = await startFront()
    const filters = encodeURIComponent('{"node":["n2"]}')
    expect(await read(port, `?since=50&until=400&filters=${filters}`, 1)).toMatchObject([{ Action: 'start' }])
    expect(await get(port, '/events?since=yesterday')).toMatchObject({ status: 400 })
  })
})

describe('images that were built', () => {
  const loaded: string[] = []

  /** A node that knows images by name or id, and takes others. */
  function engineWithImages(name: string, images: Readonly<Record<string, ImageInspect>>): Engine {
    return stubEngine({
      version: async () => ({ ApiVersion: '1.41' }) as never,
      images: {
        inspect: async reference => {
          const found = images[reference]
          if (found === undefined) throw notFound('NO_SUCH_IMAGE', `No such image: ${reference}`)
          return found
        },
        save: async references => Readable.from([Buffer.from(references.join())]),
        load: async archive => {
          loaded.push(`${name}: ${await text(archive)}`)
          return []
        },
      },
    })
  }

  beforeEach(() => void loaded.splice(0))

  it('are what their name was given to last, on whatever node', async () => {
    await addNode('n1', engineWithImages('n1', { app: image('old', '2026-01-01T00:00:00Z') }))
    await addNode('n2', engineWithImages('n2', { app: image('new', '2026-01-02T00:00:00Z') }))
    await addNode('n3', engineWithImages('n3', {}))
    const port = await startFront()
    expect((await get(port, '/images/app/json')).body).toMatchObject({ Id: 'new' })
    expect(await get(port, '/images/none/json')).toMatchObject({
      status: 404,
      body: { message: 'No such image: none' },
    })
  })

  it('are copied to a second node, and no further', async () => {
    const built = { [BUILT]: image(BUILT, '2026-01-01T00:00:00Z') }
    await addNode('n1', engineWithImages('n1', {}))
    await addNode('n2', engineWithImages('n2', built))
    await addNode('n3', engineWithImages('n3', {}))
    const port = await startFront()
    const keep = async (): Promise<unknown> =>
      (await fetch(`http://127.0.0.1:${port}/v1/images/${BUILT}/copies`, { method: 'POST' })).json()
    expect(await keep()).toEqual({ nodes: ['n2', 'n1'] })
    expect(loaded).toEqual([`n1: ${BUILT}`])
    await addNode('n4', engineWithImages('n4', built))
    expect(await keep()).toEqual({ nodes: ['n2', 'n4'] })
    expect(loaded).toHaveLength(1)
  })
})

describe('images on every node', () => {
  const calls: string[] = []
  beforeEach(() => void calls.splice(0))

  function engineWithImage(node: string, has: boolean, error?: Error): Engine {
    const act = async (call: string): Promise<void> => {
      calls.push(`${node} ${call}`)
      if (error !== undefined) throw error
      if (!has) throw notFound('NO_SUCH_IMAGE', 'No such image: app')
    }
    return stubEngine({
      version: async () => ({ ApiVersion: '1.41' }) as never,
      images: {
        pull: async (reference, { auth }) => {
          await act(`pull ${reference} ${auth?.username ?? ''}`)
          return 'sha256:1'
        },
        inspect: async () => image('sha256:1', ''),
        tag: (reference, target) => act(`tag ${reference} ${target}`),
        remove: async (reference, { force }) => {
          await act(`remove ${reference} ${force}`)
          return [{ Untagged: 'app:latest' }]
        },
      },
    })
  }

  it('are pulled, with how it went on each, and an error at the end', async () => {
    await addNode('n1', engineWithImage('n1', true))
    await addNode('n2', engineWithImage('n2', true, unavailable('REGISTRY', 'the registry is away')))
    const port = await startFront()
    const auth = Buffer.from('{"username":"me"}').toString('base64url')
    const response = await fetch(`http://127.0.0.1:${port}/v1.41/images/create?fromImage=app&tag=1`, {
      method: 'POST',
      headers: { 'x-registry-auth': auth },
    })
    const lines = (await response.text())
      .trim()
      .split('\r\n')
      .map(line => JSON.parse(line) as unknown)
    expect(lines).toContainEqual({ id: 'n1', status: 'Pulling app:1... : downloaded' })
    expect(lines.at(-1)).toMatchObject({ error: 'n2: the registry is away' })
    expect(calls.toSorted()).toEqual(['n1 pull app:1 me', 'n2 pull app:1 me'])
  })

  it('are removed and tagged where they are', async () => {
    await addNode('n1', engineWithImage('n1', true))
    await addNode('n2', engineWithImage('n2', false))
    const port = await startFront()
    const send = (method: string, path: string) => fetch(`http://127.0.0.1:${port}${path}`, { method })
    expect((await send('POST', '/images/app/tag?repo=registry.test/app&tag=2')).status).toBe(201)
    const removed = await send('DELETE', '/images/registry.test/app?force=1')
    expect(await removed.json()).toEqual([{ Untagged: 'app:latest' }])
    expect(calls).toContain('n1 tag app registry.test/app:2')
    expect(calls).toContain('n1 remove registry.test/app true')
  })

  it('that nobody has, or that are in use, are told with the status docker gives', async () => {
    await addNode('n1', engineWithImage('n1', false))
    const port = await startFront()
    const remove = () => fetch(`http://127.0.0.1:${port}/images/app`, { method: 'DELETE' })
    expect((await remove()).status).toBe(404)
    await addNode('n2', engineWithImage('n2', true, conflict('IN_USE', 'it is being used')))
    const refused = await remove()
    expect([refused.status, await refused.json()]).toMatchObject([409, { message: 'n2: it is being used' }])
  })
})
