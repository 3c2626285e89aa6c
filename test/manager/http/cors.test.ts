import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { withCors } from '../../../src/manager/http/cors.ts'

const server = createServer(withCors((_request, response) => void response.writeHead(418).end()))
afterEach(() => void server.close())

it('lets pages of any origin in, and answers what browsers ask before', async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const asked = ['OPTIONS', 'GET'].map(async method => {
    const [answer] = await once(request({ port, host: '127.0.0.1', method, agent: false }).end(), 'response')
    answer.resume()
    return [answer.statusCode, answer.headers['access-control-allow-origin']]
  })
  expect(await Promise.all(asked)).toEqual([
    [200, '*'],
    [418, '*'],
  ])
})
