import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { command } from '../../../scripts/lib/command.ts'
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

/** Not every kernel ends connections (INET_DIAG_DESTROY), and only for root: asked of `ss` itself. */
async function canEndConnections(): Promise<boolean> {
  const { address } = await connected()
  const ss = (...flags: readonly string[]) =>
    command(['ss', ...flags, '--no-header', '--tcp', '--numeric', 'state', 'established', 'src', address])
  await ss('--kill')
  return (await ss()).trim() === ''
}

it('ends the connections to one address', async ({ skip }) => {
  skip(!(await canEndConnections()), 'this kernel ends no connections')
  const [one, other] = [await connected(), await connected()]
  expect(await hangUp(one.address, systemClock)).toBe(true)
  await one.closed
  expect(other.client.destroyed).toBe(false)
})

it('says that it cannot', async () => {
  const { client } = await connected()
  expect(await hangUp('no address', systemClock)).toBe(false)
  expect(client.destroyed).toBe(false)
})
