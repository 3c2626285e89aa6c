import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { failed, invalidInput, notFound } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { ContainerOperations, ContainerStats, PathStat } from '../../src/docker-api/index.ts'
import { createDockerClient } from '../../src/docker-api/index.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'
import { stubEngine } from '../support/stub-engine.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function serve(containers: Partial<ContainerOperations>, clock: Clock = systemClock) {
  const server = await createDockerServer({ engine: stubEngine({ containers }), log: silentLog, clock })
  closing.push(() => server.close())
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  const client = createDockerClient(host, { clock: systemClock })
  closing.push(() => client.close())
  const base = host.replace('tcp:', 'http:')
  return { client, base, call: (path: string, init?: RequestInit) => fetch(base + path, init) }
}

const STAT: PathStat = { name: 'srv', size: 1, mode: 420, mtime: '2026-01-01T00:00:00Z', linkTarget: '' }
const never = new AbortController().signal
const bytes = (size: number) => Readable.from([Buffer.alloc(size)])

describe('archives over HTTP', () => {
  it.each(['archive?path=/srv', 'export'])(
    'are let go when the client of %s has hung up before they begin',
    async path => {
      const archive = new Readable({ read() {} })
      const [asked, hungUp] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const prepare = async (): Promise<Readable> => {
        asked.resolve()
        await hungUp.promise
        return archive
      }
      const { base, call } = await serve({
        readArchive: async () => ({ stat: STAT, archive: await prepare() }),
        export: prepare,
      })
      const asking = request(`${base}/containers/c/${path}`).on('error', () => {})
      asking.end()
      await asked.promise
      const gone = new Promise(resolve => asking.once('close', resolve))
      asking.destroy()
      await gone
      // By the time it has answered others it knows.
      for (const _round of [1, 2, 3]) await (await call('/_ping')).text()
      hungUp.resolve()
      await once(archive, 'close')
      expect(archive.destroyed).toBe(true)
    },
  )

  it('carry what lies at the path in a header', async () => {
    const { client, call } = await serve({
      statPath: async (_id, path) => ({ ...STAT, name: path }),
      readArchive: async () => ({ stat: { ...STAT, name: 'gänse' }, archive: Readable.from(['a tar']) }),
    })
    expect(await client.containers.statPath('c', '/a b')).toEqual({ ...STAT, name: '/a b' })
    const { stat, archive } = await client.containers.readArchive('c', '/x')
    expect(stat.name).toBe('gänse')
    expect(await text(archive)).toBe('a tar')
    const answer = await call('/containers/c/archive?path=/x')
    expect(answer.headers.get('content-type')).toBe('application/x-tar')
    await answer.body?.cancel()
  })

  it.each(['GET', 'HEAD', 'PUT'])('need a path: %s', async method => {
    const { call } = await serve({})
    const answer = await call('/containers/c/archive', { method })
    expect(answer.status).toBe(400)
    if (method !== 'HEAD') expect(await answer.json()).toMatchObject({ message: 'bad parameter: path cannot be empty' })
  })

  it('have the memory of their pieces used again only when these are sent', async () => {
    const pieces = Array.from({ length: 64 }, (_, index) => Buffer.alloc(256 * 1024, index))
    const expected = Buffer.concat(pieces)
    let given = 0
    const giveBack = (piece: Buffer): void => {
      piece.fill(0xee)
      given++
    }
    const archive = Object.assign(Readable.from(pieces, { objectMode: false }), { giveBack })
    const { client } = await serve({ export: async () => archive })
    const paused = once(archive, 'pause')
    const answer = await client.containers.export('c')
    // Nobody reads: pieces wait behind a full socket.
    await paused
    expect((await buffer(answer)).equals(expected)).toBe(true)
    await vi.waitFor(() => expect(given).toBe(pieces.length))
  })

  it('are cut off, and not ended, by a failure in the middle', async () => {
    const broken = async function* () {
      yield Buffer.alloc(1_000)
      throw failed('BROKEN', 'broken')
    }
    const { client } = await serve({ export: async () => Readable.from(broken()) })
    await expect(client.containers.export('c').then(text)).rejects.toThrow()
  })

  it('are let go of when the client leaves', async () => {
    const archive = Readable.from(
      (async function* () {
        for (;;) yield Buffer.alloc(65_536)
      })(),
    )
    const { base } = await serve({ export: async () => archive })
    request(`${base}/containers/c/export`, answer => void answer.once('data', () => answer.destroy())).end()
    await vi.waitFor(() => expect(archive.destroyed).toBe(true))
  })

  it('are taken with their options', async () => {
    const seen: unknown[] = []
    const { client } = await serve({
      writeArchive: async (id, path, { archive, noOverwriteDirNonDir, copyUIDGID }) => {
        seen.push([id, path, noOverwriteDirNonDir, copyUIDGID, await text(archive)])
      },
    })
    const write = (options: object) =>
      client.containers.writeArchive('c', '/x y', { archive: Readable.from(['a tar']), signal: never, ...options })
    await write({ noOverwriteDirNonDir: true })
    await write({ copyUIDGID: true })
    expect(seen).toEqual([
      ['c', '/x y', true, false, 'a tar'],
      ['c', '/x y', false, true, 'a tar'],
    ])
  })

  it.each([
    ['before it is read', async () => {}],
    ['after it was destroyed', async (archive: Readable) => void archive.destroy()],
  ])('may be refused %s, and the client hears why', async (_when, spoil) => {
    const { client } = await serve({
      writeArchive: async (_id, _path, { archive }) => {
        await spoil(archive)
        throw invalidInput('NO', 'not this one')
      },
    })
    for (const size of [10, 3_000_000]) {
      await expect(
        client.containers.writeArchive('c', '/x', { archive: bytes(size), signal: never }),
      ).rejects.toMatchObject({ status: 400, message: 'not this one' })
    }
  })

  it('may be refused while the client sends nothing, and it hears why after a moment', async () => {
    const clock = new ManualClock()
    const refuse = async () => {
      throw invalidInput('NO', 'not this one')
    }
    const { base } = await serve({ writeArchive: refuse }, clock)
    const sending = request(`${base}/containers/c/archive?path=/x`, { method: 'PUT' })
    closing.push(() => void sending.destroy())
    sending.on('error', () => {}).flushHeaders()
    const answer = once(sending, 'response')
    await vi.waitFor(() => expect(clock.nextDueMs()).toBeDefined())
    await clock.advance(5_000)
    const [response] = (await answer) as [IncomingMessage]
    expect(response.statusCode).toBe(400)
    expect(await text(response)).toContain('not this one')
  })

  it('end with an error for the engine when the client leaves in the middle', async () => {
    const failures: string[] = []
    const { base } = await serve({
      writeArchive: async (_id, _path, { archive }) => {
        await text(archive).catch((error: Error) => failures.push(error.name))
      },
    })
    const sending = request(`${base}/containers/c/archive?path=/x`, { method: 'PUT' })
    sending.on('error', () => {}).write(Buffer.alloc(1_000), () => sending.destroy())
    await vi.waitFor(() => expect(failures).toEqual(['AbortError']))
  })
})

describe('statistics over HTTP', () => {
  const sample = { id: 'c', name: '/c' } as ContainerStats

  it('are a stream unless one is asked for', async () => {
    const asked: object[] = []
    const { client, call } = await serve({
      stats: async function* (_id, options) {
        asked.push(options)
        yield sample
        if (options.stream) yield sample
      },
    })
    expect((await (await call('/containers/c/stats')).text()).trim().split('\n')).toHaveLength(2)
    for (const stream of [true, false]) {
      const seen = await Array.fromAsync(client.containers.stats('c', { stream }, never))
      expect(seen).toEqual(stream ? [sample, sample] : [sample])
    }
    await Array.fromAsync(client.containers.stats('c', { stream: false, oneShot: true }, never))
    expect(asked.at(-1)).toEqual({ stream: false, oneShot: true })
  })

  it('answer 404 while they can', async () => {
    const { client, call } = await serve({
      stats: async function* () {
        yield await Promise.reject<ContainerStats>(notFound('NO_SUCH_CONTAINER', 'No such container: c'))
      },
    })
    await expect(Array.fromAsync(client.containers.stats('c', { stream: true }, never))).rejects.toMatchObject({
      status: 404,
    })
    const both = await call('/containers/c/stats?stream=1&one-shot=1')
    expect(both.status).toBe(400)
    expect(await both.json()).toMatchObject({ message: 'cannot have stream=true and one-shot=true' })
  })
})

describe('commits, updates and prunes over HTTP', () => {
  it('pass on what they are asked for', async () => {
    const seen: unknown[] = []
    const { client, call } = await serve({
      commit: async (id, options) => {
        seen.push([id, options])
        return 'sha256:1'
      },
    })
    const options = { repo: 'a/b', tag: '1', comment: 'c d', author: 'me', pause: false, changes: ['CMD x', 'ENV a=b'] }
    expect(await client.containers.commit('c', { ...options, config: { Cmd: ['y'] } })).toBe('sha256:1')
    expect(await client.containers.commit('c', {})).toBe('sha256:1')
    expect(seen).toEqual([
      ['c', { ...options, config: { Cmd: ['y'] } }],
      ['c', { pause: true, changes: [] }],
    ])
    const bare = await call('/commit', { method: 'POST' })
    expect([bare.status, await bare.json()]).toEqual([
      400,
      expect.objectContaining({ message: 'invalid name or ID supplied: ""' }),
    ])
  })

  it('name the field whose value is of the wrong kind', async () => {
    const { call } = await serve({ update: async () => ({ Warnings: [] }) })
    const update = (body: object) => call('/containers/c/update', { method: 'POST', body: JSON.stringify(body) })
    const answer = await update({ Memory: 'x' })
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ message: 'invalid value for Memory: expected a whole number' }),
    ])
    expect((await update({ Memory: 1, RestartPolicy: { Name: 'no' }, Unknown: 1 })).status).toBe(200)
  })

  it('prune by filters', async () => {
    const report = { ContainersDeleted: ['a'], SpaceReclaimed: 7 }
    const { client } = await serve({
      prune: async ({ filters }) => {
        expect(filters).toEqual({ label: ['a=b'] })
        return report
      },
    })
    expect(await client.containers.prune({ filters: { label: ['a=b'] } })).toEqual(report)
  })
})
