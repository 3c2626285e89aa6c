import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { Scope } from '../../src/core/scope.ts'
import { createDockerClient, type DockerClient } from '../../src/docker-api/index.ts'
import { type ByHand, CHUNKED, chunk, serveByHand } from '../support/hand-server.ts'

let scope = new Scope()
beforeEach(() => {
  scope = new Scope()
})
afterEach(() => scope[Symbol.asyncDispose]())

async function against(answer: ByHand, clock: Clock = systemClock): Promise<DockerClient> {
  const { address } = await serveByHand(scope, answer)
  const client = createDockerClient(`tcp://${address}`, { clock, isOneOfMany: true })
  scope.defer(client.close)
  return client
}

function follow(client: DockerClient) {
  const stream = client.events({}, scope.signal)
  const iterator = stream[Symbol.asyncIterator]()
  const first = iterator.next()
  first.catch(() => {})
  return { first, opened: stream.opened }
}

const EVENT = { Type: 'container', Action: 'start', Actor: { ID: 'c1', Attributes: { name: 'web' } } }

describe('an engine that takes its time', () => {
  it('is waited for no longer than for an answer when its refusal does not end', async () => {
    const clock = new ManualClock()
    const begun = Promise.withResolvers<void>()
    const client = await against(socket => {
      socket.write(CHUNKED.replace('200 OK', '500 Oh') + chunk('{"message":"'), () => begun.resolve())
    }, clock)
    const refusals = [client.containers.start('web'), client.info(), client.images.remove('app', {})]
    let results: readonly PromiseSettledResult<unknown>[] = []
    void Promise.allSettled(refusals).then(all => (results = all))
    await begun.promise
    // The head of an answer is on its way until it is read.
    await vi.waitUntil(
      async () => {
        await clock.advance(1_000)
        return results.length > 0
      },
      { timeout: 20_000, interval: 5 },
    )
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'ENGINE_SILENT' } })
  })

  it('is understood when it tells an event byte by byte', async () => {
    const client = await against(socket => {
      socket.setNoDelay(true).write(CHUNKED)
      const bytes = `${JSON.stringify(EVENT)}\n`.split('')
      const next = (): void => {
        const byte = bytes.shift()
        if (byte !== undefined) socket.write(chunk(byte), () => setImmediate(next))
      }
      next()
    })
    expect((await follow(client).first).value).toEqual(EVENT)
  })

  it('says that it follows before anything has happened', async () => {
    const client = await against(socket => void socket.write(CHUNKED))
    await expect(follow(client).opened).resolves.toBeUndefined()
  })

  it('is not followed when it does not begin to tell what happens', async () => {
    const clock = new ManualClock()
    const asked = Promise.withResolvers<void>()
    const client = await against(() => asked.resolve(), clock)
    const { first, opened } = follow(client)
    const failures = Promise.allSettled([first, opened])
    await asked.promise
    await clock.advance(31_000)
    for (const result of await failures) expect(result).toMatchObject({ reason: { code: 'ENGINE_SILENT' } })
  })

  it('may not tell an event without end', async () => {
    const client = await against(socket => void socket.write(CHUNKED + chunk('x'.repeat(1024 * 1024 + 1))))
    await expect(follow(client).first).rejects.toMatchObject({
      code: 'BAD_ANSWER',
      message: 'A line of the answer is longer than 1048576 characters',
    })
  })
})
