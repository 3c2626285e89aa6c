import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { Scope } from '../../src/core/scope.ts'
import { createDockerClient, type DockerClient } from '../../src/docker-api/index.ts'

let scope = new Scope()
beforeEach(() => {
  scope = new Scope()
})
afterEach(() => scope[Symbol.asyncDispose]())

async function against(answer: RequestListener, isOneOfMany: boolean): Promise<DockerClient> {
  const server = createServer(answer)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const client = createDockerClient(`tcp://127.0.0.1:${port}`, { clock: systemClock, isOneOfMany })
  scope.defer(() => {
    client.close()
    server.closeAllConnections()
    server.close()
  })
  return client
}

const MIB = 1024 * 1024

/** JSON of that many MiB, whatever is asked for. */
function long(mib: number): RequestListener {
  return (request, response) => {
    const text = `{"Id":"${'x'.repeat(mib * MIB)}"}`
    response.end(request.url?.includes('/containers/json') === true ? `[${text}]` : text)
  }
}

describe('one engine of many', () => {
  it('may not describe a thing at greater length than any has', async () => {
    const many = await against(long(5), true)
    const refused = { code: 'ANSWER_TOO_LARGE', message: `The answer is larger than ${4 * MIB} bytes` }
    await expect(many.containers.inspect('web')).rejects.toMatchObject(refused)
    await expect(many.info()).rejects.toMatchObject(refused)
    expect(await many.containers.list({ all: true })).toHaveLength(1)
    const alone = await against(long(5), false)
    expect((await alone.containers.inspect('web')).Id).toHaveLength(5 * MIB)
  })

  it('may not list without end', async () => {
    const many = await against(long(65), true)
    await expect(many.containers.list({ all: true })).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' })
  })

  it('is told to create over one connection again and again, and never twice for one call', async () => {
    const sockets = new Set<unknown>()
    let created = 0
    const client = await against((request, response) => {
      sockets.add(request.socket)
      created++
      if (created === 4) request.socket.resetAndDestroy()
      else response.writeHead(201).end(`{"Id":"c${created}"}`)
    }, true)
    const create = () => client.containers.create({ Image: 'app:1' }, {})
    expect([(await create()).Id, (await create()).Id]).toEqual(['c1', 'c2'])
    expect((await client.containers.inspect('c2')).Id).toBe('c3')
    expect(sockets.size).toBe(1)
    await expect(create()).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('has closed the connection without an answer'),
    })
    expect(created).toBe(4)
    expect((await create()).Id).toBe('c5')
    expect(sockets.size).toBe(2)
  })
})
