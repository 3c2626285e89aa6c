import { json } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { Explanation, WhyAnswer, WhyNotAnswer } from '../../../src/core/model/explanation.ts'
import type { Outcome } from '../support/run.ts'
import { swarmManager } from '../support/swarm-manager.ts'

const NOWHERE: Explanation = {
  strategy: 'spread',
  wishesDropped: false,
  nodes: [
    {
      node: 'n2',
      obstacles: [
        {
          filter: 'memory',
          what: 'memory 512MiB wanted',
          free: 100 * 2 ** 20,
          change: { do: 'free', node: 'n2', what: 'memory', amount: 412 * 2 ** 20 },
        },
      ],
    },
    {
      node: 'n1',
      obstacles: [
        {
          filter: 'port',
          what: 'port 80/tcp is in use',
          change: { do: 'free-port', node: 'n1', port: '80/tcp', holder: `n1/${'ab'.repeat(32)}` },
        },
        {
          filter: 'constraint',
          what: 'constraint zone==b',
          change: { do: 'drop', what: 'constraint', text: 'zone==b' },
        },
      ],
    },
  ],
  smallestChange: { node: 'n2', changes: [], text: ['free 412MiB of memory on n2'] },
}
const SOMEWHERE: Explanation = {
  strategy: 'spread',
  chosen: 'n1',
  wishesDropped: false,
  nodes: [
    { node: 'n1', obstacles: [], score: { health: 100, containers: 0, memoryPercent: 12, rank: 1 } },
    { node: 'n2', obstacles: [], score: { health: 100, containers: 4, memoryPercent: 50, rank: 2 } },
  ],
}
const SCORE = { health: 100, containers: 2, siblings: 0, rank: 5 }
const WHY: WhyAnswer = {
  kind: 'task',
  id: 'aabbccddeeff',
  name: 'shop-web-1',
  image: 'nginx',
  node: 'n1',
  because: 'spread: the best of 2 nodes',
  record: {
    strategy: 'spread',
    node: 'n1',
    score: SCORE,
    nodes: 2,
    others: [{ node: 'n2', score: SCORE }],
    decidedAtMs: 0,
  },
  now: SOMEWHERE,
}

let asked: { url: string; body: unknown }[]

/** A manager with this to say. */
async function manager(status: number, answer: object): Promise<(...argv: string[]) => Promise<Outcome>> {
  asked = []
  const { swarm } = await swarmManager((request, response) => {
    void json(request)
      .catch(() => undefined)
      .then(body => {
        asked.push({ url: request.url ?? '', body })
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      })
  })
  return swarm
}

const dryRun = (explanation: Explanation): WhyNotAnswer => ({ kind: 'image', of: 'app', explanation })

describe('swarm why', () => {
  it('shows what was recorded and how it would be now', async () => {
    const run = await manager(200, WHY)
    const { code, stdout } = await run('why', 'shop-web-1')
    expect(code).toBe(0)
    expect(asked[0]?.url).toBe('/v1/why/shop-web-1')
    expect(stdout).toBe(`task shop-web-1 (nginx) is on n1
because spread: the best of 2 nodes

As it was decided, at 1970-01-01T00:00:00.000Z:
NODE      HEALTH    OF SERVICE   CONTAINERS
n1        100       0            2
n2        100       0            2

If it were placed now:
NODE      VERDICT   MEMORY    HEALTH    CONTAINERS
n1        chosen    12%       100       0
n2        fits      50%       100       4
`)
  })

  it('says of what waits why it waits', async () => {
    const { node: _node, record: _record, because: _because, ...rest } = WHY
    const run = await manager(200, { ...rest, pendingReasons: ['2 nodes: memory 512MiB wanted'], now: NOWHERE })
    const { stdout } = await run('why', 'shop-web-1')
    expect(stdout).toContain('task shop-web-1 (nginx) waits for a node\nbecause 2 nodes: memory 512MiB wanted\n')
    expect(stdout).toContain('Smallest change, on n2: free 412MiB of memory on n2\n')
  })

  it('passes on what the manager says', async () => {
    const run = await manager(404, { message: 'No such container: x', code: 'NO_SUCH_CONTAINER' })
    expect(await run('why', 'n1/x')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No such container: x') as string,
    })
    expect(asked[0]?.url).toBe('/v1/why/n1/x')
  })
})

describe('swarm why-not', () => {
  it('takes the flags of run, and shows what is in the way on every node', async () => {
    const run = await manager(200, dryRun(NOWHERE))
    const { code, stdout } = await run(
      'why-not',
      '--name',
      'a',
      '-m',
      '512m',
      '-p',
      '80:80',
      '-e',
      'constraint:zone==b',
      'app',
    )
    expect(code).toBe(3)
    expect(asked).toMatchObject([
      {
        url: '/v1/why-not',
        body: {
          of: 'app',
          name: 'a',
          container: {
            Env: ['constraint:zone==b'],
            HostConfig: { Memory: 512 * 2 ** 20, PortBindings: { '80/tcp': [{ HostPort: '80' }] } },
          },
        },
      },
    ])
    expect(stdout.split('\n').map(line => line.split(/ {2,}/))).toEqual([
      ['A container of image app (no service has that name) fits on no node.'],
      ['NODE', 'VERDICT', 'MEMORY', 'PORT', 'CONSTRAINT'],
      ['n2', 'no', '512MiB wanted, 100MiB free', 'ok', 'ok'],
      ['n1', 'no', 'ok', '80/tcp is in use by n1/abababababab', 'zone==b'],
      [''],
      ['Smallest change, on n2: free 412MiB of memory on n2'],
      [''],
    ])
  })

  it('ends well where there is a place, in words, as JSON and by a template', async () => {
    const run = await manager(200, dryRun(SOMEWHERE))
    const words = await run('why-not', '--node', 'n1', 'app')
    expect(words).toMatchObject({ code: 0, stdout: expect.stringContaining('would go to n1.') as string })
    expect(asked[0]?.body).toMatchObject({ node: 'n1' })
    expect(JSON.parse((await run('why-not', '--format', 'json', 'app')).stdout)).toEqual(dryRun(SOMEWHERE))
    expect((await run('why-not', '--format', '{{.Node}} {{.Fits}}', 'app')).stdout).toBe('n1 true\nn2 true\n')
  })

  it('asks nothing for flags that mean nothing', async () => {
    const run = await manager(200, dryRun(SOMEWHERE))
    expect((await run('why-not', '-m', 'much', 'app')).code).not.toBe(0)
    expect((await run('why-not')).code).not.toBe(0)
    expect(asked).toEqual([])
  })
})
