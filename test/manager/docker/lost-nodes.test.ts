import { once } from 'node:events'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { expect, it, vi } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { Engine } from '../../../src/docker-api/index.ts'
import { LostNodes, whileThere } from '../../../src/manager/docker/lost-nodes.ts'
import type { Inventory, InventoryChange, NodeInventory } from '../../../src/manager/inventory/index.ts'
import { CHUNKED, chunk } from '../../support/hand-server.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { EMPTY_INVENTORY } from '../empty-inventory.ts'
import { addNode, get, lab, send, startFront } from './front-lab.ts'
import { addHandNode } from './hand-node.ts'

/** What a host that is frozen or cut off makes of everything: no answer, and no end of the connection. */
const asked: string[] = []
function frozen(name: string): () => Promise<never> {
  return () => {
    asked.push(name)
    return new Promise<never>(() => {})
  }
}

function freezing(): Engine {
  asked.splice(0)
  const inspect = { Id: 'a'.repeat(64), Name: '/web', State: { Running: true, Status: 'running' }, Config: {} }
  const conversation = (name: string) => async () => {
    asked.push(name)
    return { stream: new Duplex({ read() {}, write: (_data, _encoding, done) => done() }), tty: true }
  }
  const progress =
    (name: string) =>
    async (_what: unknown, options: { onProgress?: (message: { status: string }) => void }): Promise<never> => {
      options.onProgress?.({ status: 'begun' })
      return frozen(name)()
    }
  const operations = {
    version: async () => ({ ApiVersion: '1.41' }),
    containers: {
      list: async () => [{ Id: inspect.Id, Names: ['/web'], Created: 1, State: 'running' }],
      inspect: async () => inspect,
      start: frozen('start'),
      wait: frozen('wait'),
      attach: conversation('attach'),
      async *logs() {
        yield { stream: 'stdout', data: Buffer.from('said\n'), time: '' }
        await frozen('logs')()
      },
    },
    exec: {
      create: async () => ({ Id: 'e1' }),
      inspect: async () => ({ ID: 'e1', Running: true }),
      start: conversation('exec'),
    },
    images: {
      list: async () => [{ Id: 'sha256:1', RepoTags: ['app:1'] }],
      inspect: async () => ({ Id: 'sha256:1', RepoTags: ['app:1'] }),
      pull: frozen('pull'),
      push: progress('push'),
      load: frozen('load'),
      import: frozen('import'),
      build: async (_context: unknown, _options: unknown, tell: (message: object) => void): Promise<never> => {
        tell({ stream: 'Step 1/2 : FROM app\n' })
        return frozen('build')()
      },
    },
  }
  return stubEngine(operations as unknown as Parameters<typeof stubEngine>[0])
}

/** Its lease ends; whoever asks for anything sees that. */
async function loseNode(port: number): Promise<void> {
  lab.away = lab.members.splice(0)
  await get(port, '/info')
}

const LOST = /Node n1 is lost: Its lease has ended/

it.each([
  ['POST', '/images/create?fromImage=app&tag=1', 'pull'],
  ['POST', '/images/create?fromSrc=-&repo=app', 'import'],
  ['POST', '/images/app/push?tag=1', 'push'],
  ['POST', '/images/load', 'load'],
  ['POST', '/build?t=app:1', 'build'],
])('%s %s ends with an error that says which node is lost', async (method, path, operation) => {
  await addNode('n1', freezing())
  const port = await startFront()
  const init = operation === 'pull' ? { method } : { method, body: 'tar', headers: { 'x-registry-auth': 'e30=' } }
  const answer = fetch(`http://127.0.0.1:${port}/v1.41${path}`, init).then(response => response.text())
  await vi.waitUntil(() => asked.includes(operation), 20_000)
  await loseNode(port)
  const lines = (await answer).split('\r\n').filter(line => line !== '')
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    error: expect.stringMatching(LOST),
    errorDetail: { message: expect.stringMatching(LOST) },
  })
})

it.each([
  ['push', '/images/app/push?tag=1'],
  ['build', '/build?t=app:1'],
])('a %s whose node closes the connection half-way ends with an error that names it', async (_what, path) => {
  await addHandNode('n1', socket => {
    socket.end(CHUNKED + chunk('{"status":"begun"}\r\n{"stat'))
  })
  const url = `http://127.0.0.1:${await startFront()}/v1.41${path}`
  const response = await fetch(url, { method: 'POST', body: 'tar', headers: { 'x-registry-auth': 'e30=' } })
  const lines = (await response.text()).split('\r\n').filter(line => line !== '')
  expect(lines.slice(0, 2)).toEqual(['{"status":"begun"}', '{"stat'])
  expect(JSON.parse(lines[2] ?? '')).toMatchObject({ error: expect.stringContaining('Cannot reach node n1 at ') })
})

it('what has not begun to be answered is refused', async () => {
  await addNode('n1', freezing())
  const port = await startFront()
  const answer = fetch(`http://127.0.0.1:${port}/v1.41/containers/web/start`, { method: 'POST' })
  await vi.waitUntil(() => asked.includes('start'), 20_000)
  await loseNode(port)
  const response = await answer
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ message: expect.stringMatching(LOST) })
})

it.each([
  ['GET', '/containers/web/logs?stdout=1&follow=1', 'logs'],
  ['POST', '/containers/web/wait', 'wait'],
])('%s %s breaks off, and is not taken for all there was', async (method, path, operation) => {
  await addNode('n1', freezing())
  const port = await startFront()
  const response = await fetch(`http://127.0.0.1:${port}/v1.41${path}`, { method })
  await vi.waitUntil(() => asked.includes(operation), 20_000)
  const broken = expect(response.text()).rejects.toThrow()
  await loseNode(port)
  await broken
})

it.each([
  ['/containers/web/attach?stream=1&stdin=1&stdout=1', 'attach'],
  ['/exec/e1/start', 'exec'],
])('the conversation of %s ends, and whoever looks is told why', async (path, operation) => {
  await addNode('n1', freezing())
  const port = await startFront()
  const made = await send(port, 'POST', '/containers/web/exec', { Cmd: ['sh'] })
  expect(made.status).toBe(201)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const body = '{"Tty":true}'
  const head = ['Host: m', 'Connection: Upgrade', 'Upgrade: tcp', 'Content-Type: application/json']
  socket.write(`POST /v1.41${path} HTTP/1.1\r\n${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  await once(socket, 'data')
  await vi.waitUntil(() => asked.includes(operation), 20_000)
  const closed = once(socket, 'close')
  await loseNode(port)
  await closed
  const after = operation === 'exec' ? '/exec/e1/json' : '/containers/web/json'
  expect(await get(port, after)).toMatchObject({
    status: 500,
    body: { message: expect.stringMatching(/on unhealthy node n1$/) },
  })
})

/** An inventory of one node, whose condition a test tells. */
function observed() {
  const clock = new ManualClock()
  const listeners: ((change: InventoryChange) => void)[] = []
  let node: Partial<NodeInventory> | undefined = { condition: 'live', isSilent: false }
  const inventory: Inventory = {
    ...EMPTY_INVENTORY,
    node: () => node as NodeInventory | undefined,
    onChange: listener => {
      listeners.push(listener)
      return () => {}
    },
  }
  const become = (now: Partial<NodeInventory> | undefined): void => {
    node = now
    for (const listener of listeners) listener({ kind: 'node', name: 'n1' })
  }
  return { clock, become, lost: new LostNodes({ inventory, clock }) }
}

it('a node that holds its lease and answers nothing is waited for a minute, and anew once it has answered', async () => {
  const { clock, become, lost } = observed()
  const tell = vi.fn()
  lost.watch('n1', tell)
  become({ condition: 'broken', isSilent: true, error: 'It says nothing' })
  await clock.advance(59_000)
  become({ condition: 'live', isSilent: false })
  await clock.advance(60_000)
  become({ condition: 'broken', isSilent: false, error: 'It lies' })
  await clock.advance(3_600_000)
  expect(tell).not.toHaveBeenCalled()
  become({ condition: 'broken', isSilent: true, error: 'It says nothing' })
  await clock.advance(60_000)
  expect(tell.mock.calls).toEqual([[expect.objectContaining({ code: 'NODE_LOST', status: 503 })]])
  expect(String(tell.mock.calls[0]?.[0])).toContain('Node n1 is lost: It says nothing')
})

it('nobody who has stopped waiting is told, and whoever begins to wait for a lost node is told at once', () => {
  const { become, lost } = observed()
  const [early, late] = [vi.fn(), vi.fn()]
  lost.watch('n1', early)()
  become(undefined)
  expect(early).not.toHaveBeenCalled()
  lost.watch('n1', late)
  expect(String(late.mock.calls[0]?.[0])).toContain('Node n1 is lost: It has left the cluster')
})

it('who begins to wait when a node is back is not forgotten with those who lost it', () => {
  const { become, lost } = observed()
  const tell = vi.fn()
  const stop = lost.watch('n1', () => {})
  become({ condition: 'down', error: 'Its lease has ended' })
  become({ condition: 'live' })
  lost.watch('n1', tell)
  stop()
  become({ condition: 'down', error: 'Its lease has ended' })
  expect(tell).toHaveBeenCalledOnce()
})

it('work with several nodes ends with the first that is lost, though it does not listen', async () => {
  const { become, lost } = observed()
  const { signal } = new AbortController()
  let inner: AbortSignal | undefined
  const work = whileThere([{ name: 'n0' }, { name: 'n1' }], { signal, lost }, end => {
    inner = end
    return new Promise<never>(() => {})
  })
  become({ condition: 'down', error: 'Its lease has ended' })
  await expect(work).rejects.toMatchObject({ code: 'NODE_LOST', message: expect.stringMatching(LOST) })
  expect(inner?.aborted).toBe(true)
})
