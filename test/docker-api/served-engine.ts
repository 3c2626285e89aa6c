import { afterEach } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silentLog } from '../../src/core/log.ts'
import { createDockerClient } from '../../src/docker-api/index.ts'
import { createDockerServer } from '../../src/docker-api/server/index.ts'
import { stubEngine } from '../support/stub-engine.ts'

/** What is closed after the test, the last one first. */
export const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A stub of an engine behind our server, and clients of it. */
export async function serve(given: Parameters<typeof stubEngine>[0] = {}) {
  const server = await createDockerServer({ engine: stubEngine(given), log: silentLog })
  closing.push(() => server.close())
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  const client = createDockerClient(host, { clock: systemClock })
  closing.push(() => client.close())
  const base = host.replace('tcp:', 'http:')
  const call = (path: string, init?: RequestInit) => fetch(base + path, init)
  const post = (path: string, body?: unknown) =>
    call(path, {
      method: 'POST',
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  return { host, client, call, post }
}
