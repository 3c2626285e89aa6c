import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import { DatagramRelay } from '../../../../src/runtime/network/ports/port-relay.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close()
})

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  closing.push(() => socket.close())
  socket.bind({ address: '127.0.0.1', port: 0 })
  await once(socket, 'listening')
  return socket
}

/** A relay to a container that answers each datagram with the port that it came from. */
async function relayed(clientsMax: number) {
  const container = await bound()
  container.on('message', (_data, from) => container.send(String(from.port), from.port, from.address))
  const front = await bound()
  const clock = new ManualClock()
  const target = { address: '127.0.0.1', port: container.address().port }
  const relay = new DatagramRelay(front, () => target, clock, clientsMax)
  closing.push(() => relay.close())
  const ask = async (client: Socket): Promise<string> => {
    const answer = once(client, 'message')
    client.send('hello', front.address().port, '127.0.0.1')
    const [data] = (await answer) as [Buffer]
    return data.toString()
  }
  return { ask, clock }
}

it('takes a new client for the one that was silent for longest', async () => {
  const { ask } = await relayed(2)
  const [a, b, c] = [await bound(), await bound(), await bound()]
  const asA = await ask(a)
  const asB = await ask(b)
  expect(asB).not.toBe(asA)
  expect(await ask(a)).toBe(asA)
  const asC = await ask(c)
  expect(asC).not.toBe(asA)
  expect(await ask(a)).toBe(asA)
  expect(await ask(c)).toBe(asC)
  // Forgotten, and taken again all the same.
  expect(await ask(b)).toMatch(/^\d+$/)
})

it('forgets a client that is silent for a minute', async () => {
  const { ask, clock } = await relayed(2)
  const client = await bound()
  await ask(client)
  await clock.advance(59_000)
  await ask(client)
  expect(clock.nextDueMs()).toBe(clock.nowMs() + 60_000)
  await clock.advance(60_000)
  expect(clock.nextDueMs()).toBeUndefined()
  await ask(client)
})
