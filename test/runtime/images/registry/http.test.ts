import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import { HttpClient, readBody } from '../../../../src/runtime/images/registry/http.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close()
})

/** A server that answers only when the test does, and a client on a clock that stands still. */
async function pair() {
  const asked: ServerResponse[] = []
  const server = createServer((_request, response) => void asked.push(response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const clock = new ManualClock()
  const http = new HttpClient({ anyCertificate: false }, clock)
  closing.push(
    () => void server.close(),
    () => server.closeAllConnections(),
    () => http[Symbol.dispose](),
  )
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const arrived = async (index: number): Promise<ServerResponse> =>
    vi.waitFor(() => {
      const response = asked[index]
      if (response === undefined) throw new Error('nobody has asked')
      return response
    })
  const get = (signal = new AbortController().signal) => http.send({ method: 'GET', url, signal, deadlineMs: 60_000 })
  return { clock, arrived, get }
}

it('gives a chain of redirects one deadline', async () => {
  const { clock, arrived, get } = await pair()
  const answer = get()
  answer.catch(() => {})
  const first = await arrived(0)
  await clock.advance(40_000)
  first.writeHead(307, { location: '/on' }).end()
  await arrived(1)
  await clock.advance(20_000)
  await expect(answer).rejects.toMatchObject({ code: 'REGISTRY_SILENT', message: expect.stringContaining('60 s') })
})

it('counts the body in, and stops counting behind it', async () => {
  const { clock, arrived, get } = await pair()
  const stuck = get()
  ;(await arrived(0)).writeHead(200).write('half')
  const reading = readBody(await stuck)
  reading.catch(() => {})
  await clock.advance(60_000)
  await expect(reading).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  const whole = get()
  ;(await arrived(1)).writeHead(200).end('whole')
  expect((await readBody(await whole)).toString()).toBe('whole')
  await vi.waitFor(() => expect(clock.nextDueMs()).toBeUndefined())
})

it('tells who gave up from what was silent', async () => {
  const { clock, arrived, get } = await pair()
  const stop = new AbortController()
  const answer = get(stop.signal)
  answer.catch(() => {})
  await arrived(0)
  stop.abort(new Error('enough'))
  await expect(answer).rejects.toThrow('enough')
  expect(clock.nextDueMs()).toBeUndefined()
})
