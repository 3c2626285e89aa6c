import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { ManualClock, settle } from '../../src/core/manual-clock.ts'
import {
  createDockerClient,
  type DockerClient,
  encodeFrame,
  type ProgressMessage,
  wasNeverSent,
} from '../../src/docker-api/index.ts'

const open: { server: Server; client: DockerClient }[] = []

async function against(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  clock = systemClock,
): Promise<DockerClient> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const client = createDockerClient(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, { clock })
  open.push({ server, client })
  return client
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

afterEach(() => {
  for (const { server, client } of open.splice(0)) {
    client.close()
    server.closeAllConnections()
    server.close()
  }
})

describe('createDockerClient()', () => {
  it("keeps the engine's status and message", async () => {
    const client = await against((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"No such container: web"}')
    })
    await expect(client.containers.inspect('web')).rejects.toMatchObject({
      status: 404,
      message: 'No such container: web',
    })
  })

  it('says who does not answer, and that trying again may help', async () => {
    const client = createDockerClient('tcp://127.0.0.1:1', { clock: systemClock })
    await expect(client.info()).rejects.toMatchObject({
      name: 'TransientError',
      code: 'ENGINE_UNAVAILABLE',
      message: 'Cannot connect to tcp://127.0.0.1:1: connection refused',
    })
  })

  it('knows when nothing of a request has left', async () => {
    const failureOf = (client: DockerClient): Promise<unknown> =>
      client.containers.create({ Image: 'app' }, {}).then(undefined, (error: unknown) => error)
    for (const address of ['tcp://127.0.0.1:1', 'unix:///nowhere/at-all.sock']) {
      expect(wasNeverSent(await failureOf(createDockerClient(address, { clock: systemClock })))).toBe(true)
    }
    const cut = await failureOf(await against(request => void request.socket.resetAndDestroy()))
    expect(cut).toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
    expect(wasNeverSent(cut)).toBe(false)
    const refused = await failureOf(await against((_request, response) => void response.writeHead(503).end()))
    expect(wasNeverSent(refused)).toBe(false)
  })

  it('gives up on an engine that accepts and says nothing', async () => {
    const clock = new ManualClock()
    const asked = Promise.withResolvers<void>()
    const client = await against(() => asked.resolve(), clock)
    const waiting = expect(client.info()).rejects.toMatchObject({ code: 'ENGINE_SILENT' })
    await asked.promise
    await clock.advance(31_000)
    await settle()
    await waiting
  })

  it('stops waiting when told to', async () => {
    const asked = Promise.withResolvers<void>()
    const client = await against(() => asked.resolve())
    const controller = new AbortController()
    const waiting = client.containers.wait('web', { condition: 'not-running' }, controller.signal)
    await asked.promise
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })

  it('tells a start that did nothing from one that started', async () => {
    const client = await against((request, response) => {
      response.writeHead(request.url === '/containers/up/start' ? 304 : 204).end()
    })
    expect(await client.containers.start('up')).toBe(false)
    expect(await client.containers.start('down')).toBe(true)
  })

  it('cuts times off log lines', async () => {
    const client = await against((request, response) => {
      if (request.url?.endsWith('/json') === true) return response.end('{"Config":{"Tty":false}}')
      return response.end(encodeFrame('stderr', Buffer.from('2026-01-02T03:04:05.000000006Z oh no\n')))
    })
    const chunks = []
    const options = { stdout: true, stderr: true, follow: false }
    for await (const chunk of client.containers.logs('web', options, AbortSignal.timeout(5_000))) chunks.push(chunk)
    expect(chunks.map(({ stream, time, data }) => [stream, time, data.toString()])).toEqual([
      ['stderr', '2026-01-02T03:04:05.000000006Z', 'oh no\n'],
    ])
  })

  it('throws the error that comes inside a stream of progress', async () => {
    const client = await against((_request, response) => {
      response.write('{"status":"Pulling"}\n')
      response.end('{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}\n')
    })
    const seen: (string | undefined)[] = []
    const pulling = client.images.pull(
      'app:1',
      { onProgress: message => seen.push(message.status) },
      AbortSignal.timeout(5_000),
    )
    await expect(pulling).rejects.toThrow('manifest unknown')
    expect(seen).toEqual(['Pulling'])
  })

  it('pulls by digest what has a tag as well', async () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const asked: (string | undefined)[] = []
    const client = await against((request, response) => {
      asked.push(request.url)
      response.end('{"Id":"sha256:abc"}\n')
    })
    await client.images.pull(`host:5000/app:1@${digest}`, {}, AbortSignal.timeout(5_000))
    expect(asked[0]).toBe(
      `/images/create?${new URLSearchParams({ fromImage: 'host:5000/app', tag: digest }).toString()}`,
    )
  })

  it('keeps nothing of what a build says but its id', async () => {
    const pause = Promise.withResolvers<void>()
    const client = await against((_request, response) => {
      response.write('{"stream":"Step 1"}\n{"aux":{"ID":"sha256:abc"}}\n{"stream":"Successfully built abc"}\n')
      void pause.promise.then(() => response.end('{"stream":"done"}\n'))
    })
    const said: WeakRef<ProgressMessage>[] = []
    const third = Promise.withResolvers<void>()
    const options = { tags: [], dockerfile: 'Dockerfile', buildArgs: {}, labels: {}, noCache: false, pull: false }
    const onProgress = (message: ProgressMessage): void => {
      if (said.push(new WeakRef(message)) === 3) third.resolve()
    }
    const building = client.images.build(Readable.from(['']), options, onProgress, AbortSignal.timeout(5_000))
    await third.promise
    await settle()
    collectGarbage()
    expect(said[0]?.deref()).toBe(undefined)
    pause.resolve()
    expect(await building).toBe('sha256:abc')
  })

  it('names the images that were loaded', async () => {
    const client = await against((_request, response) => {
      response.write('{"stream":"Loaded image: a:1\\n"}\n{"stream":"something else"}\n')
      response.end('{"stream":"Loaded image ID: sha256:abc\\n"}\n')
    })
    expect(await client.images.load(Readable.from(['']), AbortSignal.timeout(5_000))).toEqual(['a:1', 'sha256:abc'])
  })

  it.each(['web', 'ftp://a:1', 'tcp://a:0', 'tcp://a:99999', 'unix://relative'])('refuses the address %j', address => {
    expect(() => createDockerClient(address, { clock: systemClock })).toThrow(`Cannot use address "${address}"`)
  })
})
