import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { Scope } from '../../../src/core/scope.ts'
import { askToLeave } from '../../../src/main/trust/ask-managers.ts'
import { makeAuthority, makeMember } from './lab.ts'

let scope: Scope
beforeEach(() => {
  scope = new Scope()
})
afterEach(() => scope[Symbol.asyncDispose]())

/** Leaves a manager that does this with one question after the other. */
async function leaving(...answers: readonly RequestListener[]): Promise<void> {
  const authority = await makeAuthority()
  const { credentials } = await makeMember('m1', 'manager', { authority })
  const node = await makeMember('n1', 'node', { authority })
  const left = [...answers]
  const tls = { cert: credentials.certificate, key: credentials.key }
  const server = createServer(tls, (request, response) => left.shift()?.(request, response)).listen(0, '127.0.0.1')
  scope.defer(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { signal } = new AbortController()
  const tlsOfNode = node.dial({ role: 'manager' })
  await askToLeave({ managers: [`127.0.0.1:${port}`], clock: systemClock, signal, tls: tlsOfNode })
}

const hangsUp: RequestListener = request => void request.socket.destroy()
const says =
  (status: number, code: string): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ message: 'no', code }))
  }

it.each([says(403, 'NOT_ADMITTED'), says(404, 'NO_SUCH_CERTIFICATE')])(
  'has left when the connection ends with the certificate that it gives back (%#)',
  async gone => {
    await expect(leaving(hangsUp, gone)).resolves.toBeUndefined()
  },
)

it('has not left when the manager refuses that, or is away', async () => {
  await expect(leaving(says(403, 'NOT_ADMITTED'))).rejects.toMatchObject({ code: 'NOT_ADMITTED' })
  await expect(leaving(hangsUp, hangsUp)).rejects.toMatchObject({ code: 'NO_MANAGER' })
  await expect(leaving(hangsUp, says(409, 'OTHER'))).rejects.toMatchObject({ code: 'OTHER' })
})
