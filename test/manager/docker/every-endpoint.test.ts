import { Duplex, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { notFound } from '../../../src/core/errors.ts'
import type { Engine } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, startFront } from './front-lab.ts'

/** Every row of classic Swarm's remote API, with who is to answer it: each is done here, or is in the list of what differs. */

const WEB = 'a'.repeat(64)
const calls: string[] = []
afterEach(() => void calls.splice(0))

/** Notes each operation it is asked for. `web` is on n2 alone, images and volumes are everywhere. */
function engineOf(node: string): Engine {
  const noted = (name: string, value?: unknown) => async () => {
    calls.push(`${node} ${name}`)
    return value
  }
  const own = (name: string, value?: unknown) => (node === 'n2' ? noted(name, value) : missing)
  const missing = async (): Promise<never> => {
    throw notFound('NO_SUCH_CONTAINER', 'No such container: web')
  }
  const conversation = (name: string) =>
    own(name, { stream: new Duplex({ read() {}, write: (_data, _encoding, done) => done() }).destroy(), tty: true })
  const inspect = { Id: WEB, Name: '/web', State: { Running: true, Status: 'running' }, Config: {} }
  async function* empty(): AsyncIterable<never> {}
  const operations = {
    info: noted('info', { Containers: 0 }),
    version: async () => ({ ApiVersion: '1.41' }),
    containers: {
      list: async () => (node === 'n2' ? [{ Id: WEB, Names: ['/web'], Created: 1, State: 'running' }] : []),
      inspect: own('inspect', inspect),
      create: noted('create', { Id: 'b'.repeat(64), Warnings: [] }),
      start: own('start', true),
      stop: own('stop', true),
      restart: own('restart'),
      kill: own('kill'),
      pause: own('pause'),
      unpause: own('unpause'),
      rename: own('rename'),
      remove: own('remove'),
      update: own('update', { Warnings: [] }),
      wait: own('wait', { StatusCode: 0 }),
      top: own('top', { Titles: [], Processes: [] }),
      changes: own('changes', []),
      resize: own('resize'),
      prune: noted('prune', { ContainersDeleted: [], SpaceReclaimed: 0 }),
      statPath: own('statPath', { name: 'x', size: 1, mode: 0, mtime: '', linkTarget: '' }),
      readArchive: async () => ({ stat: await own('readArchive', { name: 'x' })(), archive: Readable.from(['tar']) }),
      writeArchive: async (_id: string, _path: string, { archive }: { archive: Readable }) =>
        own('writeArchive', await text(archive))(),
      export: own('export', Readable.from(['tar'])),
      commit: own('commit', 'sha256:c'),
      attach: conversation('attach'),
      logs: () => (calls.push(`${node} logs`), empty()),
      stats: () => (calls.push(`${node} stats`), empty()),
    },
    exec: {
      create: own('exec', { Id: 'e1' }),
      inspect: own('exec inspect', { ID: 'e1', Running: false, ExitCode: 0 }),
      resize: own('exec resize'),
      start: conversation('exec start'),
    },
    images: {
      list: async () => [],
      inspect: noted('image', { Id: 'sha256:i', RepoTags: ['app:1'] }),
      history: noted('history', []),
      pull: noted('pull', 'sha256:i'),
      push: noted('push'),
      tag: noted('tag'),
      remove: noted('rmi', []),
      save: async () => (calls.push(`${node} save`), Readable.from(['tar'])),
      load: async (archive: Readable) => (calls.push(`${node} load`), archive.resume(), []),
      search: noted('search', []),
      login: noted('login', { Status: 'ok' }),
      distribution: noted('distribution', {}),
      build: async (context: Readable) => (context.resume(), calls.push(`${node} build`), 'sha256:b'),
      prune: noted('image prune', { ImagesDeleted: [], SpaceReclaimed: 0 }),
      pruneBuildCache: noted('build prune', { CachesDeleted: [], SpaceReclaimed: 0 }),
    },
    networks: {
      list: async () => [{ Name: 'back', Id: `${node}-back`, Scope: 'local', Driver: 'bridge', Labels: {} }],
      inspect: noted('network', { Name: 'back', Containers: {} }),
      create: noted('network create', { Id: 'n', Warning: '' }),
      remove: noted('network rm'),
      connect: noted('connect'),
      disconnect: noted('disconnect'),
      prune: noted('network prune', []),
    },
    volumes: {
      list: async () => [{ Name: 'data', Driver: 'local', Scope: 'local' }],
      inspect: noted('volume', { Name: 'data', Driver: 'local', Scope: 'local' }),
      create: noted('volume create', { Name: 'data' }),
      remove: noted('volume rm'),
      prune: noted('volume prune', { VolumesDeleted: [], SpaceReclaimed: 0 }),
    },
  }
  return stubEngine(operations as unknown as Parameters<typeof stubEngine>[0])
}

/** Method, path, status, and what which node is asked to do, or all three. Empty: none, it is answered from what is known. */
type Row = readonly [string, string, number, string]

const ROWS: readonly Row[] = [
  ['GET', '/_ping', 200, ''],
  ['HEAD', '/_ping', 200, ''],
  ['GET', '/info', 200, ''],
  ['GET', '/version', 200, ''],
  ['GET', '/events?until=1', 200, ''],
  ['GET', '/images/json', 200, ''],
  ['GET', '/images/get?names=app:1', 200, 'n1 save'],
  ['GET', '/images/app:1/get', 200, 'n1 save'],
  ['GET', '/images/app:1/history', 200, 'n1 history'],
  ['GET', '/images/app:1/json', 200, 'all image'],
  ['GET', '/images/search?term=x', 200, 'n1 search'],
  ['POST', '/auth {"serveraddress":"r"}', 200, 'n1 login'],
  ['GET', '/images/viz', 501, ''],
  ['POST', '/images/create?fromImage=app&tag=1', 200, 'all pull'],
  ['POST', '/images/load tar', 200, 'all load'],
  ['POST', '/images/app:1/push', 200, 'n1 push'],
  ['POST', '/images/other/push?tag=1', 200, 'n1 push'],
  ['POST', '/images/app:1/tag?repo=b', 201, 'all tag'],
  ['DELETE', '/images/app:1', 200, 'all rmi'],
  ['GET', '/containers/json', 200, ''],
  ['GET', '/containers/ps?all=1', 200, ''],
  ['GET', '/containers/web/json', 200, 'n2 inspect'],
  ['POST', '/containers/create {"Image":"app:1"}', 201, 'n1 create'],
  ['POST', '/containers/web/start', 204, 'n2 start'],
  ['POST', '/containers/web/stop', 204, 'n2 stop'],
  ['POST', '/containers/web/kill', 204, 'n2 kill'],
  ['POST', '/containers/web/pause', 204, 'n2 pause'],
  ['POST', '/containers/web/unpause', 204, 'n2 unpause'],
  ['POST', '/containers/web/restart', 204, 'n2 restart'],
  ['POST', '/containers/n2/web/update {"Memory":8000000}', 200, 'n2 update'],
  ['POST', '/containers/web/wait', 200, 'n2 wait'],
  ['GET', '/containers/web/top', 200, 'n2 top'],
  ['GET', '/containers/n2/web/logs?stdout=1', 200, 'n2 logs'],
  ['GET', '/containers/web/stats?stream=0', 200, 'n2 stats'],
  ['GET', '/containers/web/changes', 200, 'n2 changes'],
  ['GET', '/containers/web/export', 200, 'n2 export'],
  ['GET', '/containers/web/archive?path=/x', 200, 'n2 readArchive'],
  ['HEAD', '/containers/web/archive?path=/x', 200, 'n2 statPath'],
  ['PUT', '/containers/web/archive?path=/x tar', 200, 'n2 writeArchive'],
  ['POST', '/containers/web/resize?h=10&w=20', 200, 'n2 resize'],
  ['POST', '/containers/web/rename?name=other', 204, 'n2 rename'],
  ['POST', '/containers/web/attach?stream=1&stdout=1', 200, 'n2 attach'],
  ['POST', '/containers/web/exec {"Cmd":["ls"]}', 201, 'n2 exec'],
  ['GET', '/exec/e1/json', 200, 'n2 exec inspect'],
  ['POST', '/exec/e1/resize?h=1&w=1', 200, 'n2 exec resize'],
  ['POST', '/exec/e1/start {"Tty":true}', 200, 'n2 exec start'],
  ['DELETE', '/containers/web?force=1', 204, 'n2 remove'],
  ['POST', '/commit?container=n2/web&repo=x {}', 201, 'n2 commit'],
  ['POST', '/build?t=x tar', 200, 'n2 build'],
  ['GET', '/networks', 200, ''],
  ['GET', '/networks/n1/back', 200, 'n1 network'],
  ['POST', '/networks/create {"Name":"wide"}', 201, ''],
  ['POST', '/networks/create {"Name":"n3/own"}', 201, 'n3 network create'],
  ['POST', '/networks/n2/back/connect {"Container":"web"}', 200, 'n2 connect'],
  ['POST', '/networks/n2/back/disconnect {"Container":"web"}', 200, 'n2 disconnect'],
  ['DELETE', '/networks/n1/back', 204, 'n1 network rm'],
  ['GET', '/volumes', 200, ''],
  ['GET', '/volumes/n3/data', 200, 'n3 volume'],
  ['POST', '/volumes/create {"Name":"data"}', 201, 'all volume create'],
  ['DELETE', '/volumes/data', 204, 'all volume rm'],
  // What classic Swarm had not.
  ['GET', '/system/df?type=image', 200, ''],
  ['POST', '/containers/prune', 200, 'all prune'],
  ['POST', '/images/prune', 200, 'all image prune'],
  ['POST', '/volumes/prune', 200, 'all volume prune'],
  ['POST', '/networks/prune', 200, 'all network prune'],
  ['POST', '/build/prune', 200, 'all build prune'],
  ['GET', '/distribution/app:1/json', 200, 'n1 distribution'],
]

const NOT_DONE = '{"message":"Not supported in clustering mode.","code":"NO_VIZ"}'

async function ask(port: number, method: string, line: string): Promise<{ status: number; text: string }> {
  const [path = '', body] = line.split(' ')
  const response = await fetch(`http://127.0.0.1:${port}/v1.41${path}`, {
    method,
    signal: AbortSignal.timeout(5_000),
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  })
  return { status: response.status, text: await response.text().catch(() => '') }
}

describe('every endpoint of classic Swarm', () => {
  it('answers as its kind says', async () => {
    for (const node of ['n1', 'n2', 'n3']) await addNode(node, engineOf(node), { overlay: true })
    const port = await startFront()
    const answered: string[] = []
    for (const [method, line, , asked] of ROWS) {
      calls.splice(0)
      const { status, text: told } = await ask(port, method, line)
      const operation = asked.replace(/^\S+ ?/, '')
      const doers = calls.filter(call => call.replace(/^n\d /, '') === operation).map(call => call.slice(0, 2))
      answered.push(
        `${method} ${line}: ${status}${status < 400 ? '' : told} by ${[...new Set(doers)].toSorted().join()}`,
      )
    }
    const wanted = ROWS.map(([method, line, status, asked]) => {
      const who = asked.split(' ')[0] ?? ''
      const text = status < 400 ? '' : NOT_DONE
      return `${method} ${line}: ${status}${text} by ${who === 'all' ? 'n1,n2,n3' : who}`
    })
    expect(answered).toEqual(wanted)
  })

  it('hands the websocket of attach on to the node', async () => {
    for (const node of ['n1', 'n2', 'n3']) await addNode(node, engineOf(node))
    const socket = new WebSocket(
      `ws://127.0.0.1:${await startFront()}/v1.41/containers/web/attach/ws?stream=1&stdout=1`,
    )
    await vi.waitUntil(() => calls.some(call => call.endsWith('attach')), 10_000)
    socket.close()
    expect(calls.filter(call => call.endsWith('attach'))).toEqual(['n2 attach'])
  })

  it('leaves to the node what is older than any API that is spoken', async () => {
    for (const node of ['n1', 'n2', 'n3']) await addNode(node, engineOf(node))
    expect((await ask(await startFront(), 'POST', '/containers/web/copy {}')).status).toBe(404)
  })

  it.each(['/swarm', '/services', '/tasks', '/nodes', '/secrets', '/configs', '/plugins', '/debug/pprof/'])(
    'that is not one of them is not found, as JSON: %s',
    async path => {
      const response = await fetch(`http://127.0.0.1:${await startFront()}${path}`)
      expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/json'])
      expect(await response.json()).toHaveProperty('message')
    },
  )

  it.each([
    ['/v1.41/nodes', '`swarm node ls`'],
    ['/v1.41/services?status=true', '`compose up`, `ps`'],
    ['/swarm', '`swarm join`'],
    ['/secrets', 'of a compose file'],
  ])('says what there is instead of swarm mode: %s', async (path, instead) => {
    const response = await fetch(`http://127.0.0.1:${await startFront()}${path}`)
    expect(await response.json()).toEqual({
      code: 'NO_SUCH_PAGE',
      message: expect.stringMatching(
        new RegExp(`^page not found: GET /[^]*; there is no swarm mode here: [^]*${instead}`),
      ),
    })
  })
})
