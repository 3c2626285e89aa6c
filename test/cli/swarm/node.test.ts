import { json } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { NodeTaskView, NodeView } from '../../../src/core/model/control-api.ts'
import type { Outcome } from '../support/run.ts'
import { swarmManager } from '../support/swarm-manager.ts'

const NODE: NodeView = {
  name: 'n1',
  memberId: 'id-1',
  labels: { disk: 'hdd' },
  availability: 'active',
  status: 'ready',
  health: 'healthy',
  tasks: 2,
  reserved: { nanoCpus: 1e9, memoryBytes: 2 ** 30 },
  lastSeen: {
    name: 'n1',
    id: 'id-1',
    apiAddress: '10.0.0.1:2375',
    address: '10.0.0.1',
    nanoCpus: 4e9,
    memoryBytes: 8 * 2 ** 30,
    platform: { os: 'linux', arch: 'amd64', kernel: '6', operatingSystem: 'Debian' },
    engineVersion: '1',
    storageDriver: 'overlay2',
    labels: {},
    bootId: 'b',
    epoch: 1,
    startedAtMs: 0,
  },
}
const DOWN: NodeView = { ...NODE, name: 'n2', status: 'down', health: 'disconnected', reason: 'its agent is gone' }

function task(name: string, more: Partial<NodeTaskView> = {}): NodeTaskView {
  return { id: `id-${name}`, name, serviceId: 'shop.web', state: 'running', health: 'none', ...more }
}

let host = ''
const calls: string[] = []

/** A manager whose node has these tasks, each time somebody looks; the last stays. */
async function manager(
  looks: readonly (readonly NodeTaskView[])[] = [[]],
): Promise<(...argv: string[]) => Promise<Outcome>> {
  calls.length = 0
  let look = 0
  const made = await swarmManager((request, response) => {
    const { method = '', url = '' } = request
    const answer = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (method === 'GET' && url === '/v1/nodes') return answer(200, [DOWN, NODE])
    if (method === 'GET' && url === '/v1/nodes/n1') {
      return answer(200, { ...NODE, placements: looks[Math.min(look++, looks.length - 1)] })
    }
    if (url === '/v1/rebalance') {
      void json(request).then(body => {
        calls.push(`${method} ${url} ${JSON.stringify(body)}`)
        const { moves } = body as { moves: number }
        answer(200, { moves: moves < 5 ? [] : [{ task: '1', name: 'shop-web-1', from: 'n1', to: 'n2' }] })
      })
      return
    }
    if (url.startsWith('/containers/json')) {
      return answer(200, [
        { Names: ['/n1/mine'], Labels: {} },
        { Names: ['/n1/shop-web-1'], Labels: { 'shoal.task.id': 't' } },
      ])
    }
    if (method === 'DELETE' && url === '/v1/nodes/n2?force=1') return answer(200, { node: 'n2', volumes: ['data'] })
    if (method === 'DELETE' && url.startsWith('/v1/nodes/n1')) {
      return answer(409, { message: 'Cannot remove node n1: it is up', code: 'NODE_IS_UP' })
    }
    if (method === 'PUT') {
      void json(request).then(body => {
        calls.push(`${url} ${JSON.stringify(body)}`)
        answer(200, NODE)
      })
      return
    }
    answer(404, { message: `No such node: ${url.replace(/.*\//, '')}`, code: 'NO_SUCH_NODE' })
  })
  host = made.host
  return made.swarm
}

describe('swarm node', () => {
  it('lists nodes with their state, and why they are not well', async () => {
    const swarm = await manager()
    const { stdout } = await swarm('node', 'ls')
    expect(stdout.split('\n').map(line => line.split(/\s{2,}/).slice(0, 3))).toEqual([
      ['NAME', 'STATUS', 'AVAILABILITY'],
      ['n1', 'healthy', 'active'],
      ['n2', 'disconnected', 'active'],
      [''],
    ])
    expect(stdout).toMatch(/its agent is gone$/m)
    expect((await swarm('node', 'ls', '--format', '{{.Name}}={{.Health}}')).stdout).toBe(
      'n1=healthy\nn2=disconnected\n',
    )
  })

  it('inspects one with its tasks', async () => {
    const swarm = await manager([[task('shop-web-1')]])
    expect(JSON.parse((await swarm('node', 'inspect', 'n1')).stdout)).toMatchObject([
      { name: 'n1', placements: [{ name: 'shop-web-1' }] },
    ])
    expect(await swarm('node', 'inspect', 'n9')).toMatchObject({ code: 1, stderr: 'No such node: n9\n' })
  })

  it('is asked of the manager that is named behind the verb as well', async () => {
    const swarm = await manager()
    for (const argv of [
      ['node', '-H', host, 'ls', '-q'],
      ['node', 'ls', '-q', '-H', host],
    ]) {
      expect(await swarm(...argv)).toMatchObject({ code: 0, stdout: 'n1\nn2\n' })
    }
    expect((await swarm('node', 'ls', '-H', 'tcp://127.0.0.1:1')).code).not.toBe(0)
  })

  it('fills templates of a node that is down, too', async () => {
    const swarm = await manager()
    const format = '{{.name}} {{json .engine}} {{with .reason}}{{.}}{{end}}'
    expect(await swarm('node', 'inspect', 'n1', '--format', format)).toMatchObject({ code: 0, stdout: 'n1 null \n' })
    expect((await swarm('node', 'inspect', 'n1', '--format', '{{.nope}}')).stderr).toMatch(/nope/)
  })

  it('refuses filters of events that nobody knows', async () => {
    const swarm = await manager()
    expect(await swarm('events', '--filter', 'nope=1')).toMatchObject({
      stdout: '',
      stderr: expect.stringMatching(/^Invalid filter 'nope': use node, /) as string,
    })
  })

  it('changes labels and availability, and says what', async () => {
    const swarm = await manager()
    const change = ['--availability', 'pause', '--label-add', 'disk=ssd', '--label-rm', 'old']
    expect(await swarm('node', 'update', 'n1', ...change)).toEqual({
      code: 0,
      stdout: 'n1\n',
      stderr: 'availability: active -> pause\nlabel old: (none) -> (none)\nlabel disk: hdd -> ssd\n',
    })
    expect(calls).toEqual(['/v1/nodes/n1 {"availability":"pause","labels":{"old":null,"disk":"ssd"}}'])
  })

  it.each([
    [['update', 'n1'], /^Nothing to change/],
    [['update', 'n1', '--availability', 'asleep'], /^Cannot use --availability "asleep"/],
    [['update', 'n1', '--label-add', 'x'], /^Cannot read --label-add "x"/],
    [['drain', 'n1', '--wait', '--timeout', 'soon'], /^invalid --timeout/],
    [['drain', 'n9'], /^No such node: n9/],
  ])('refuses %j', async (argv, message) => {
    const swarm = await manager()
    expect((await swarm('node', ...argv)).stderr).toMatch(message)
    expect(calls).toEqual([])
  })

  it('forgets nodes, and says what is lost', async () => {
    const swarm = await manager()
    expect(await swarm('node', 'rm', '--force', 'n2')).toEqual({
      code: 0,
      stdout: 'n2\n',
      stderr: 'gives up the data of data\n',
    })
    expect((await swarm('node', 'rm', 'n9')).code).toBe(1)
    expect(await swarm('node', 'rm', 'n1')).toMatchObject({ code: 3, stderr: 'Cannot remove node n1: it is up\n' })
  })
})

describe('swarm node drain --wait', () => {
  it('shows where tasks go until the node is empty, and names what stays', async () => {
    const successor = { id: 's', node: 'n2', state: 'starting' as const, health: 'none' as const }
    const swarm = await manager([
      [task('shop-web-1')],
      [task('shop-web-1', { successor })],
      [task('shop-web-1', { successor: { ...successor, state: 'running' } })],
      [],
    ])
    expect(await swarm('node', 'drain', 'n1', '--wait')).toEqual({
      code: 0,
      stdout: 'TASK         RESULT        REASON\nshop-web-1   moved to n2   \n',
      stderr: [
        'availability: active -> drain',
        'shop-web-1: moving to n2: starting',
        'shop-web-1: moving to n2: running',
        'shop-web-1: moved to n2',
        'Containers that were created one by one stay, and only those with a reschedule policy are started elsewhere once the node is down: n1/mine',
        '',
      ].join('\n'),
    })
    expect(calls).toEqual(['/v1/nodes/n1 {"availability":"drain"}'])
  })

  it('ends with 3 when something cannot leave, and says why', async () => {
    const swarm = await manager([[task('shop-db-1', { blockers: ['its volume data is on n1'] })]])
    const { code, stdout } = await swarm('node', 'update', 'n1', '--availability', 'drain', '--wait')
    expect(code).toBe(3)
    expect(stdout).toMatch(/^shop-db-1 +stays on n1 +its volume data is on n1$/m)
  })

  it('gives up in time, and says that the node goes on without it', async () => {
    const swarm = await manager([[task('shop-web-1')]])
    const { code, stderr } = await swarm('node', 'drain', 'n1', '--wait', '--timeout', '2s')
    expect(code).toBe(1)
    expect(stderr).toMatch(/Node n1 is not empty yet: shop-web-1; it goes on being drained without us\n$/)
  })
})

describe('swarm rebalance', () => {
  it('shows the moves, and makes them unless only a plan is wanted', async () => {
    const swarm = await manager()
    const planned = await swarm('rebalance', '--plan')
    expect([planned.code, planned.stdout, planned.stderr]).toEqual([
      0,
      'TASK         FROM      TO\nshop-web-1   n1        n2\n',
      '',
    ])
    const made = await swarm('rebalance', '--max-moves', '5')
    expect([made.stdout, made.stderr]).toEqual([planned.stdout, 'Each task leaves once its successor is well\n'])
    expect(calls).toEqual([
      'POST /v1/rebalance {"moves":10,"dryRun":true}',
      'POST /v1/rebalance {"moves":5,"dryRun":false}',
    ])
  })

  it('says that there is nothing to do, and refuses a budget that is none', async () => {
    const swarm = await manager()
    expect((await swarm('rebalance', '--max-moves', '1')).stderr).toBe('No move would make the cluster more even\n')
    const refused = await swarm('rebalance', '--max-moves', 'many')
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('invalid --max-moves "many"')
  })
})
