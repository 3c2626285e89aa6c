import { describe, expect, it } from 'vitest'
import { notFound } from '../../src/core/errors.ts'
import type { PlacementRecord, WhyAnswer, WhyNotAnswer } from '../../src/core/model/explanation.ts'
import type { TaskRecord } from '../../src/core/model/task.ts'
import type { ContainerCreateRequest, ContainerInspect, Engine } from '../../src/docker-api/index.ts'
import { EMPTY_SNAPSHOT } from '../../src/manager/model/snapshot.ts'
import { findTask } from '../../src/manager/why/subject.ts'
import { stubEngine } from '../support/stub-engine.ts'
import { addNode, get, lab, startFront } from './docker/front-lab.ts'
import { APPLY, makeWorld, projectSpec, serviceSpec } from './support.ts'

/** An engine that keeps what it is told to create. */
function keeper(node: string): Engine {
  const made = new Map<string, ContainerInspect>()
  return stubEngine({
    containers: {
      list: async () => [],
      inspect: async id => {
        const found = made.get(id) ?? [...made.values()].find(({ Name }) => Name === `/${id}`)
        if (found === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
        return found
      },
      create: async (request, { name = '' }) => {
        const Id = Buffer.from(`${node}/${name}`).toString('hex').padEnd(64, '0')
        const HostConfig = request.HostConfig ?? {}
        made.set(Id, { Id, Name: `/${name}`, Config: request, State: { Status: 'created' }, HostConfig } as never)
        return { Id, Warnings: [] }
      },
    },
  })
}

async function send(port: number, path: string, body: object): Promise<{ status: number; body: never }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as never }
}

async function startCluster(): Promise<number> {
  await addNode('n1', keeper('n1'))
  await addNode('n2', keeper('n2'))
  const port = await startFront()
  // Nodes take containers once they have told what they hold.
  for (let tries = 0; tries < 200; tries++) {
    const { body } = await send(port, '/v1/why-not', { of: 'app' })
    if ((body as WhyNotAnswer).explanation.nodes.filter(({ obstacles }) => obstacles.length === 0).length === 2) break
    await new Promise(setImmediate)
  }
  return port
}

const run = (port: number, name: string, request: Partial<ContainerCreateRequest> = {}) =>
  send(port, `/containers/create?name=${name}`, { Image: 'app', ...request })

describe('a container', () => {
  it('keeps the decision it was placed by, and is seen as if it were placed anew', async () => {
    const port = await startCluster()
    const ports = { HostConfig: { Memory: 2 ** 30, PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '80' }] } } }
    expect(await run(port, 'one', ports)).toMatchObject({ status: 201 })
    expect((await run(port, 'two', ports)).status).toBe(201)
    const { body, status } = await get(port, '/v1/why/two')
    expect(status).toBe(200)
    const answer = body as WhyAnswer
    expect(answer).toMatchObject({ kind: 'container', name: 'two', node: 'n2', image: 'app' })
    expect(answer.record).toMatchObject({
      strategy: 'spread',
      node: 'n2',
      others: [],
      nodes: 2,
      score: { containers: 0, memoryPercent: 12 },
    })
    expect(answer.because).toBe('spread: the best of 2 nodes, with 12% of its memory and 0 containers')
    // Its own port and memory do not stand in its way.
    expect(answer.now.chosen).toBe('n2')
    const [, other] = answer.now.nodes
    expect(other?.obstacles).toMatchObject([{ filter: 'port', change: { do: 'free-port', node: 'n1' } }])
    const { body: again } = await get(port, '/v1/why/two')
    expect(again).toEqual(body)
  })

  it('is known to whoever places tasks', async () => {
    const port = await startCluster()
    expect((await run(port, 'one', { HostConfig: { Memory: 2 ** 30 } })).status).toBe(201)
    const taken = [...(lab.standalone?.reservations().values() ?? [])]
    expect(taken).toMatchObject([{ name: 'n1/one', node: 'n1', memoryBytes: 2 ** 30 }])
  })

  it('that nobody has is not found', async () => {
    const port = await startCluster()
    expect(await get(port, '/v1/why/nothing')).toMatchObject({
      status: 404,
      body: { message: 'No such container: nothing' },
    })
  })
})

describe('why not', () => {
  it('says of every node what is in the way, and what would have to change', async () => {
    const port = await startCluster()
    const container = { Env: ['constraint:zone==b', 'constraint:node==n1'], HostConfig: { Memory: 2 ** 40 } }
    const { body, status } = await send(port, '/v1/why-not', { of: 'app', container })
    expect(status).toBe(200)
    const { kind, explanation } = body as WhyNotAnswer
    expect(kind).toBe('image')
    expect(explanation.nodes.map(({ node, obstacles }) => [node, obstacles.map(({ what }) => what)])).toEqual([
      ['n1', ['constraint zone==b', 'memory 1TiB wanted']],
      ['n2', ['constraint zone==b', 'constraint node==n1', 'memory 1TiB wanted']],
    ])
    expect(explanation.smallestChange?.text).toEqual(['drop constraint zone==b', 'ask for 8GiB of memory at most'])
    // A dry run leaves nothing behind.
    const { body: after } = await send(port, '/v1/why-not', { of: 'app' })
    expect((after as WhyNotAnswer).explanation.nodes[0]?.score?.containers).toBe(0)
  })

  it('asks about one node', async () => {
    const port = await startCluster()
    const container = { Env: ['constraint:node==n1'] }
    const { body } = await send(port, '/v1/why-not', { of: 'app', container, node: 'n2' })
    const { explanation } = body as WhyNotAnswer
    expect(explanation.chosen).toBe('n1')
    expect(explanation.nodes.map(({ node }) => node)).toEqual(['n2'])
    expect(explanation.smallestChange).toMatchObject({ node: 'n2', text: ['drop constraint node==n1'] })
  })

  it.each([
    [{ of: 'app', node: 'n9' }, 404, 'No such node: n9'],
    [{ of: '' }, 400, 'name an image or a service'],
    [{ of: 'app', container: { Env: ['constraint:x==1'] } }, 400, "Key 'x' is invalid"],
    [{ node: 'n1' }, 400, 'of'],
  ])('%j is refused', async (question, status, message) => {
    const port = await startCluster()
    const answer = await send(port, '/v1/why-not', question)
    expect(answer.status).toBe(status)
    expect((answer.body as { message: string }).message).toContain(message)
  })
})

describe('a task', () => {
  it('keeps the decision, bounded, and is found by what people call it', async () => {
    const world = await makeWorld(['n1', 'n2', 'n3', 'n4', 'n5', 'n6'])
    try {
      await world.manager.apply(projectSpec('shop', [serviceSpec('web', { replicas: 2 })]), APPLY)
      await world.pass(2_000)
      const snapshot = world.manager.snapshot()
      const tasks = [...snapshot.tasks.values()].map(({ value }) => value).sort((a, b) => a.slot - b.slot)
      const records = tasks.map(task => task.placement as PlacementRecord)
      expect(records.map(({ node }) => node)).toEqual(tasks.map(({ node }) => node))
      for (const record of records) {
        expect(record).toMatchObject({ strategy: 'spread', nodes: 6, score: { siblings: 0 } })
        expect(record.others).toHaveLength(3)
        expect(record.decidedAtMs).toBeGreaterThan(0)
      }
      const [first] = tasks as [TaskRecord]
      for (const name of [first.id, first.id.slice(0, 6), 'shop-web-1']) expect(findTask(name, snapshot)).toBe(first)
      expect(findTask('shop-web-9', snapshot)).toBeUndefined()
      expect(findTask('', EMPTY_SNAPSHOT)).toBeUndefined()
    } finally {
      await world.close()
    }
  })
})

it('says of a container whose name is taken what its creation would say', async () => {
  const port = await startCluster()
  expect((await run(port, 'mine')).status).toBe(201)
  const ask = (name: string) => send(port, '/v1/why-not', { of: 'app', name })
  expect(await ask('mine')).toMatchObject({ status: 409, body: { code: 'NAME_TAKEN' } })
  expect((await ask('other')).status).toBe(200)
})
