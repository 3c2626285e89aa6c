import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { hangUp } from '../../../src/main/manager/hang-up.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A server of loopback, and somebody who is connected to it. */
async function connected(): Promise<{ address: string; client: Socket; closed: Promise<unknown> }> {
  const server = createServer(socket => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(port, '127.0.0.1').on('error', () => {})
  closing.push(() => {
    client.destroy()
    server.close()
  })
  await Promise.all([once(client, 'connect'), once(server, 'connection')])
  return { address: `127.0.0.1:${port}`, client, closed: new Promise(resolve => client.once('close', resolve)) }
}

it('ends the connections to one address, or says that it cannot', async () => {
  const [one, other] = [await connected(), await connected()]
  const hasEnded = await hangUp(one.address, systemClock)
  // Not every kernel can.
  if (hasEnded) await one.closed
  expect(one.client.destroyed).toBe(hasEnded)
  expect(other.client.destroyed).toBe(false)
  expect(await hangUp('no address', systemClock)).toBe(false)
})
