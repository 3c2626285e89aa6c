import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { Scope } from '../../../src/core/scope.ts'
import { createDockerClient } from '../../../src/docker-api/index.ts'
import { ClusterInventory } from '../../../src/manager/inventory/index.ts'
import { type ByHand, CHUNKED, chunk, jsonAnswer, serveByHand } from '../../support/hand-server.ts'
import { memberRecord } from '../support.ts'
import { TestNode, web } from './test-node.ts'

let clock = new ManualClock()
let scope = new Scope()
beforeEach(() => {
  clock = new ManualClock()
  scope = new Scope()
})
afterEach(() => scope[Symbol.asyncDispose]())

/** A byte a second, as long as anybody listens. */
function drip(socket: Socket, text: string): void {
  if (socket.destroyed || text === '') return
  socket.write(text.slice(0, 1))
  clock.setTimer(1_000, () => drip(socket, text.slice(1)))
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
const LONG = 'x'.repeat(10_000)

const SLOW: readonly (readonly [string, RegExp, ByHand])[] = [
  ['takes the connection and says nothing', /did not list its containers within 4 s/, () => {}],
  ['gives a byte of the head a second', /within 4 s/, socket => drip(socket, `${HEAD}X: ${LONG}`)],
  ['never ends the head', /overflow/i, socket => void socket.write(HEAD + `X-More: ${LONG}\r\n`.repeat(20))],
  [
    'gives a byte of the body a second',
    /within 4 s/,
    socket => {
      socket.write(`${HEAD}Content-Length: 10000\r\n\r\n`)
      drip(socket, `[${LONG}`)
    },
  ],
  ['never ends a body in parts', /within 4 s/, socket => void socket.write(CHUNKED + chunk('['))],
  [
    'never ends a refusal',
    /within 4 s/,
    socket => void socket.write(CHUNKED.replace('200 OK', '500 Oh') + chunk('{"message":"')),
  ],
  [
    'lists, and never begins to tell what happens',
    /did not begin to tell its events within 4 s/,
    (socket, path) => void (path === '/events' || socket.write(jsonAnswer(path === '/containers/json' ? [] : {}))),
  ],
]

async function follow(answer: ByHand) {
  const server = await serveByHand(scope, answer)
  const slow = createDockerClient(`tcp://${server.address}`, { clock, isOneOfMany: true })
  const good = new TestNode([web()])
  const members = new Map(['good', 'slow'].map(name => [name, memberRecord(name)]))
  const inventory = new ClusterInventory({
    clock,
    log: silentLog,
    engines: ({ name }) => (name === 'good' ? good.engine : slow),
    members: () => members,
    isKnown: () => true,
  })
  const end = new AbortController()
  scope.defer(() => {
    end.abort()
    slow.close()
  })
  void inventory.run(end.signal)
  /** Time passes until it is so; what is on its way has its turn in between. */
  const until = (isSo: () => boolean, stepMs = 500): Promise<unknown> =>
    vi.waitUntil(
      async () => {
        await clock.advance(stepMs)
        return isSo()
      },
      { timeout: 30_000, interval: 5 },
    )
  return { inventory, server, until }
}

describe('a node that', () => {
  it.each(SLOW)('%s is named with what is wrong, and holds up nobody', async (_what, why, answer) => {
    const { inventory, until } = await follow(answer)
    await until(() => inventory.node('slow')?.condition === 'broken')
    expect(inventory.node('slow')?.error).toMatch(why)
    await inventory.settled()
    expect(inventory.node('good')).toMatchObject({ condition: 'live', error: undefined })
    expect(inventory.containers().map(({ node, name }) => `${node}/${name}`)).toEqual(['good/web'])
  })

  it.each(SLOW)('%s is asked again and again over few connections', async (_what, _why, answer) => {
    const { inventory, server, until } = await follow(answer)
    await until(() => server.asked.length >= 40, 5_000)
    // Each is waited for half a minute at most, and there is a question every ten seconds or so.
    await until(() => server.open.size <= 12)
    expect(inventory.node('slow')?.condition).toBe('broken')
    expect(inventory.node('good')?.condition).toBe('live')
  })
})
