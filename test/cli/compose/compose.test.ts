import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type FakeManager, imageId, projectView, startFakeManager, taskView } from '../support/fake-manager.ts'
import { type Outcome, runCommand } from '../support/run.ts'

const SHOP = `
name: shop
services:
  web: {image: "web:1", scale: 2, depends_on: [db]}
  db: {image: "db:1"}
`

let manager: FakeManager
let directory: string

beforeEach(async () => {
  manager = await startFakeManager()
  directory = await mkdtemp(join(tmpdir(), 'shoal-cli-'))
  await writeFile(join(directory, 'compose.yaml'), SHOP)
})

afterEach(async () => {
  await manager.close()
  await rm(directory, { recursive: true })
})

function compose(line: string, more: { signal?: AbortSignal; input?: string } = {}): Promise<Outcome> {
  return runCommand(['-H', manager.host, ...line.split(' ')], { cwd: directory, ...more })
}

it('up -d creates, and the second time says that everything is unchanged', async () => {
  const first = await compose('up -d')
  expect(first).toMatchObject({ code: 0, stdout: '' })
  expect(first.stderr).toContain(' Service web  Created\n')
  expect(first.stderr).toContain(' Service db  Started\n')
  const again = (await compose('up -d')).stderr
  expect(again).toContain(' Project shop  Everything is unchanged\n')
  expect(again).toContain(' Service web  Running\n')
  expect(again).not.toContain('Started')
})

it('up tells what is changed and why, and waits for the new tasks', async () => {
  await compose('up -d')
  await writeFile(join(directory, 'compose.yaml'), SHOP.replace('db:1', 'db:2'))
  manager.lives.set('db', [{}, { id: 'new', state: 'preparing' }, { id: 'new', state: 'running' }])
  const { code, stderr } = await compose('up -d')
  expect(code).toBe(0)
  expect(stderr).toContain(' Service db  Updated (image)\n')
  expect(stderr).toContain(' Service web  Unchanged\n')
})

it('plan and up --dry-run change nothing', async () => {
  const plan = await compose('plan')
  expect(plan.stdout).toContain('+ create service web\n')
  expect(plan.stdout).toContain('Project shop: 2 to create, 0 to change, 0 to remove, 0 unchanged\n')
  expect((await compose('up --dry-run')).stdout).toBe(plan.stdout)
  expect(manager.projects.size).toBe(0)
})

it('an image that does not exist ends up with the reason, exit code 1', async () => {
  manager.lives.set('db', [
    { id: 'x', state: 'failed', startedAtMs: undefined, error: 'Cannot pull db:1: not found' } as object,
  ])
  const { code, stderr } = await compose('up -d')
  expect(code).toBe(1)
  expect(stderr).toContain('Cannot start shop-db-1 on n1: Cannot pull db:1: not found\n')
})

it('a service that no host can take says so', async () => {
  manager.lives.set('web', [
    { state: 'pending', startedAtMs: undefined, pendingReasons: ['n1: needs 4 CPUs, 2 are free'] } as object,
  ])
  const { code, stderr } = await compose('up -d')
  expect(code).toBe(1)
  expect(stderr).toContain(' Service web  Pending: n1: needs 4 CPUs, 2 are free\n')
  expect(stderr).toContain('Cannot place shop-web-1: n1: needs 4 CPUs, 2 are free')
})

it('a service whose only replica is on a host that is gone has not started, though nothing has changed', async () => {
  await compose('up -d')
  const reason = 'node n1 is down and holds its volume shop_data: it goes on when the node returns'
  manager.lives.set('db', [{ state: 'orphaned', error: 'Node n1 is down', pendingReasons: [reason] }])
  const { code, stderr } = await compose('up -d')
  expect(code).toBe(1)
  expect(stderr).toContain(` Service db  Pending: ${reason}\n`)
  expect(stderr).toContain('It goes on as soon as a host fits, or is back')
  expect(stderr).not.toMatch(/Service db {2}(?:Started|Running)/)
})

it('--wait needs health, and gives up in time', async () => {
  manager.lives.set('db', [{ health: 'starting' }])
  const { code, stderr } = await compose('up --wait --wait-timeout 3')
  expect(code).toBe(1)
  expect(stderr).toContain('Not healthy after 3 s: db (Waiting to be healthy)')
  manager.lives.set('db', [{ health: 'healthy' }])
  expect((await compose('up --wait')).code).toBe(0)
})

it('up of one service leaves the others as they run', async () => {
  await compose('up -d')
  await writeFile(join(directory, 'compose.yaml'), SHOP.replace('web:1', 'web:2').replace('db:1', 'db:2'))
  await compose('up -d db')
  const images = manager.projects.get('shop')?.spec.services.map(({ container }) => container.image)
  expect(images?.toSorted()).toEqual(['db:2', 'web:1'])
})

it('scale, stop and start change the number of replicas', async () => {
  await compose('up -d')
  const replicas = (): unknown =>
    manager.projects.get('shop')?.spec.services.map(({ name, replicas }) => `${name}=${replicas}`)
  expect((await compose('scale web=4')).code).toBe(0)
  expect(replicas()).toEqual(['web=4', 'db=1'])
  expect((await compose('stop web')).code).toBe(0)
  expect(replicas()).toEqual(['web=0', 'db=1'])
  expect((await compose('start')).code).toBe(0)
  expect(replicas()).toEqual(['web=2', 'db=1'])
  expect(await compose('scale nope=1')).toMatchObject({
    code: 1,
    stderr: 'no such service: nope. The services are web, db\n',
  })
  expect(await compose('scale web')).toMatchObject({ code: 2 })
})

it('down removes, needs no file with -p, and twice is no error', async () => {
  await compose('up -d')
  const { code, stderr } = await runCommand(['-H', manager.host, '-p', 'shop', 'down', '-v'], { cwd: '/' })
  expect(code).toBe(0)
  expect(stderr).toContain(' Service web  Removed\n')
  expect(manager.calls).toContain('DELETE /v1/projects/shop?volumes=true&dryRun=false')
  const again = await compose('down')
  expect(again).toMatchObject({ code: 0, stderr: 'Warning: No resource found to remove for project "shop".\n' })
})

it('ps shows where replicas run and why others do not', async () => {
  await compose('up -d')
  const spec = manager.projects.get('shop')?.spec
  if (spec === undefined) throw new Error('not up')
  manager.projects.set(
    'shop',
    projectView(spec, [
      taskView('web', 1, { health: 'healthy', startedAtMs: 40_000, ports: ['*:8080->80/tcp'] }),
      taskView('web', 2, { state: 'pending', pendingReasons: ['no node fits'] }),
      taskView('web', 3, { state: 'orphaned', error: 'Node n3 is down' }),
      taskView('web', 4, { state: 'orphaned', desired: 'stopped' }),
      taskView('db', 1, { state: 'failed', exitCode: 3 }),
    ]),
  )
  const { stdout } = await compose('ps')
  expect(stdout.split('\n')[0]).toMatch(/^NAME +IMAGE +COMMAND +SERVICE +CREATED +STATUS +PORTS +NODE$/)
  expect(stdout).toMatch(
    /shop-web-1 +web:1 +"serve" +web +About a minute ago +Up About a minute \(healthy\) +\*:8080->80\/tcp +n1/,
  )
  expect(stdout).toContain('Pending: no node fits')
  expect(stdout).toMatch(/shop-web-3 .* Lost: Node n3 is down/)
  expect(stdout).not.toContain('shop-web-4')
  expect(stdout).not.toContain('shop-db-1')
  expect((await compose('ps -a')).stdout).toContain('Exited (3)')
  expect((await compose('ps -q web')).stdout).toBe('c-web-1\nc-web-2\nc-web-3\n')
  expect((await compose('ps --services -a')).stdout).toBe('db\nweb\n')
  expect((await compose('ps --format {{.Name}}@{{.Node}}')).stdout).toBe(
    'shop-web-1@n1\nshop-web-2@n2\nshop-web-3@n3\n',
  )
  const [first = ''] = (await compose('ps --format json')).stdout.split('\n')
  expect(JSON.parse(first)).toMatchObject({
    Name: 'shop-web-1',
    State: 'running',
    Health: 'healthy',
    Publishers: [{ URL: '0.0.0.0', TargetPort: 80, PublishedPort: 8080, Protocol: 'tcp' }],
  })
})

it('logs come from all replicas in the order of time', async () => {
  await compose('up -d')
  manager.logs.set('c-web-1', ['2026-01-01T00:00:01.5Z one', '2026-01-01T00:00:03.000000001Z three'])
  manager.logs.set('c-web-2', ['2026-01-01T00:00:02Z two ERR'])
  expect(await compose('logs web')).toMatchObject({
    code: 0,
    stdout: 'web-1 | one\nweb-1 | three\n',
    stderr: 'web-2 | two ERR\n',
  })
  expect((await compose('logs -t --no-log-prefix -n 1 web')).stdout).toBe('2026-01-01T00:00:03.000000001Z three\n')
  expect(await compose('logs nope')).toMatchObject({ code: 1, stderr: 'no such service: nope\n' })
})

it('logs leave out services that say attach: false, unless they are named', async () => {
  await writeFile(join(directory, 'compose.yaml'), SHOP.replace('"db:1"', '"db:1", attach: false'))
  await compose('up -d')
  manager.logs.set('c-web-1', ['2026-01-01T00:00:01Z one'])
  manager.logs.set('c-db-1', ['2026-01-01T00:00:02Z two'])
  expect((await compose('logs')).stdout).toBe('web-1 | one\n')
  expect((await compose('logs db')).stdout).toBe('db-1 | two\n')
  expect((await compose('-p shop logs')).stdout).toBe('web-1 | one\ndb-1  | two\n')
})

it('logs say nothing of containers that were replaced, and warn of those that should be there', async () => {
  await compose('up -d')
  manager.logs.set('c-db-1', ['2026-01-01T00:00:01Z one'])
  manager.gone.add('c-web-1').add('c-web-2')
  expect((await compose('logs')).stderr).toContain('Warning: Cannot read the logs of shop-web-1')
  manager.lives.set('web', [{ state: 'stopped', desired: 'stopped' }])
  expect(await compose('logs')).toMatchObject({ code: 0, stdout: 'db-1  | one\n', stderr: '' })
})

it('logs show what is kept of a container that failed and is no more', async () => {
  await compose('up -d')
  manager.logs.set('c-db-1', ['2026-01-01T00:00:02Z two'])
  manager.gone.add('c-web-1').add('c-web-2')
  const printed = ['1Z one', '3Z three'].map(line => {
    const [time = '', text = ''] = line.split(' ')
    return { time: `2026-01-01T00:00:0${time}`, text, stream: 'stdout' as const }
  })
  manager.lives.set('web', [{ state: 'failed', exitCode: 3, printed }])
  const all = ['web-1 | one', 'web-2 | one', 'db-1  | two', 'web-1 | three', 'web-2 | three']
  expect((await compose('logs')).stdout.trim().split('\n').toSorted()).toEqual(all.toSorted())
  const late = await compose('logs --no-log-prefix --since 2026-01-01T00:00:02Z -n 1 --index 1 web')
  expect(late).toMatchObject({ stdout: 'three\n', stderr: '' })
  manager.gone.add('c-db-1')
  manager.lives.set('db', [{ state: 'failed', exitCode: 3, printed }])
  const stop = new AbortController()
  const following = compose('logs -f -n 1 db', { signal: stop.signal })
  const looks = (): number => manager.calls.filter(call => call === 'GET /v1/projects/shop').length
  const seen = looks()
  while (looks() < seen + 4) await new Promise(setImmediate)
  stop.abort()
  expect(await following).toMatchObject({ stdout: 'db-1 | three\n', stderr: 'db-1 exited with code 3\n' })
})

it('logs -f shows each line once, over reconnections, until Ctrl-C', async () => {
  await compose('up -d')
  manager.logs.set('c-db-1', ['2026-01-01T00:00:01Z one'])
  const stop = new AbortController()
  const following = compose('logs -f db', { signal: stop.signal })
  const attaches = (): number => manager.calls.filter(call => call.includes('/c-db-1/logs')).length
  while (attaches() < 2) await new Promise(setImmediate)
  manager.logs.set('c-db-1', ['2026-01-01T00:00:01Z one', '2026-01-01T00:00:02Z two'])
  const seen = attaches()
  while (attaches() < seen + 3) await new Promise(setImmediate)
  stop.abort()
  expect(await following).toMatchObject({ code: 130, stdout: 'db-1 | one\ndb-1 | two\n' })
})

it('logs -f ends with the project, and with a container that somebody removes', async () => {
  await compose('up -d')
  const following = compose('logs -f')
  const attaches = (id: string): number => manager.calls.filter(call => call.includes(`/${id}/logs`)).length
  while (attaches('c-db-1') < 1) await new Promise(setImmediate)
  manager.gone.add('c-db-1')
  const seen = attaches('c-web-1')
  while (attaches('c-web-1') < seen + 5) await new Promise(setImmediate)
  manager.projects.delete('shop')
  const { code, stderr } = await following
  expect(code).toBe(0)
  const lines = stderr.split('\n').toSorted()
  expect(lines).toEqual(['', 'db-1 was removed', 'web-1 was removed', 'web-2 was removed'])
})

it('builds what is missing, from the context without what is ignored', async () => {
  await writeFile(join(directory, 'compose.yaml'), 'name: shop\nservices: {web: {build: {context: ., args: {A: 1}}}}')
  await writeFile(join(directory, 'Dockerfile'), 'FROM base\n')
  await writeFile(join(directory, 'big'), Buffer.alloc(100_000))
  await writeFile(join(directory, '.dockerignore'), 'big\n')
  expect((await compose('up -d')).code).toBe(0)
  const [build] = manager.builds
  expect(build?.query.get('t')).toBe('shop-web')
  expect(build?.query.get('buildargs')).toBe('{"A":"1"}')
  expect(build?.bytes).toBeLessThan(20_000)
  await compose('up -d')
  expect(manager.builds).toHaveLength(1)
  await writeFile(join(directory, 'Dockerfile'), 'FAIL\n')
  expect(await compose('build')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Cannot build shop-web: no such base') as string,
  })
  await rm(join(directory, 'Dockerfile'))
  expect((await compose('build')).stderr).toContain('Dockerfile does not exist')
})

it('asks for what a build names, and tells what has no effect', async () => {
  const settings = `cache_from: [old:1, "type=registry,ref=r:5000/old:2"], network: none, shm_size: 64m, sbom: true,
    privileged: false, platforms: [linux/amd64], extra_hosts: ["a=10.0.0.1", "b:::1"], ulimits: {nproc: 99, nofile: {soft: 1, hard: 2}}`
  await writeFile(join(directory, 'compose.yaml'), `name: shop\nservices: {web: {build: {context: ., ${settings}}}}`)
  await writeFile(join(directory, 'Dockerfile'), 'FROM base\n')
  const { code, stderr } = await compose('build')
  const query = manager.builds[0]?.query
  expect(['cachefrom', 'networkmode', 'platform', 'shmsize', 'ulimits'].map(name => query?.get(name))).toEqual([
    '["old:1","r:5000/old:2"]',
    'none',
    'linux/amd64',
    `${64 * 2 ** 20}`,
    '[{"Name":"nproc","Soft":99,"Hard":99},{"Name":"nofile","Soft":1,"Hard":2}]',
  ])
  expect(query?.getAll('extrahosts')).toEqual(['a:10.0.0.1', 'b:::1'])
  expect(code).toBe(0)
  expect(stderr).toContain('build.sbom has no effect yet')
  expect(stderr).not.toContain('build.privileged')
})

it('rolls out what was built anew under the same name, to every service that uses it', async () => {
  const services = '{web: {build: ., image: app}, job: {image: app, depends_on: [web]}}'
  await writeFile(join(directory, 'compose.yaml'), `name: shop\nservices: ${services}`)
  await writeFile(join(directory, 'Dockerfile'), 'FROM base\n')
  const pinned = (): (string | undefined)[] =>
    manager.projects.get('shop')?.spec.services.map(({ container }) => container.imageId) ?? []
  await compose('up -d')
  expect(pinned()).toEqual([imageId(1), imageId(1)])
  expect(manager.calls).toContain(`POST /v1/images/${encodeURIComponent(imageId(1))}/copies`)
  expect((await compose('up -d')).stderr).toContain('Everything is unchanged')
  const rebuilt = await compose('up -d --build')
  expect(rebuilt.stderr).toContain(' Service web  Updated (image)\n')
  expect(rebuilt.stderr).toContain(' Service job  Updated (image)\n')
  expect(pinned()).toEqual([imageId(2), imageId(2)])
})

it('plan tells what an image that was built meanwhile changes, and builds nothing', async () => {
  await writeFile(join(directory, 'compose.yaml'), 'name: shop\nservices: {web: {build: .}}')
  await writeFile(join(directory, 'Dockerfile'), 'FROM base\n')
  expect((await compose('plan')).stdout).toContain('+ create service web\n')
  expect(manager.builds).toHaveLength(0)
  await compose('up -d')
  await compose('build')
  expect((await compose('plan')).stdout).toContain('~ update service web')
})

it('keeps the image of a running project whose name no host knows any more', async () => {
  await writeFile(join(directory, 'compose.yaml'), 'name: shop\nservices: {web: {build: .}}')
  await writeFile(join(directory, 'Dockerfile'), 'FROM base\n')
  await compose('up -d')
  manager.images.delete('shop-web')
  manager.images.set('untagged', imageId(1))
  expect((await compose('up -d')).stderr).toContain('Everything is unchanged')
  expect(manager.builds).toHaveLength(1)
})

it('ls lists projects', async () => {
  await compose('up -d')
  const { stdout } = await compose('ls')
  expect(stdout).toMatch(/^NAME +STATUS +SERVICES +CONFIG FILES\nshop +running\(3\) +2 +\S+compose\.yaml\n$/)
  expect((await compose('ls -q')).stdout).toBe('shop\n')
})

it('a manager that is not there is told with what to do', async () => {
  await manager.close()
  const { code, stderr } = await compose('ps')
  expect(code).toBe(1)
  expect(stderr).toBe(
    `Cannot connect to ${manager.host}: connection refused. Is a manager or an engine running there? Start one with "swarm manage", "npm run up" or "shoal engine", or set DOCKER_HOST\n`,
  )
  manager = await startFakeManager()
})

it('somebody else at the address is told from a manager', async () => {
  const other = createServer((_request, response) => response.writeHead(404).end('404 page not found\n'))
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const { code, stderr } = await runCommand(['-H', `tcp://127.0.0.1:${port}`, 'ps'], { cwd: directory })
  other.close()
  expect(code).toBe(1)
  expect(stderr).toContain(`What answers at tcp://127.0.0.1:${port} is not a Shoal manager`)
})

it('bad files end with their line, exit code 1', async () => {
  await writeFile(join(directory, 'compose.yaml'), 'services:\n  web:\n    imag: x\n')
  const { code, stderr } = await compose('up -d')
  expect(code).toBe(1)
  expect(stderr).toContain(
    `${directory}/compose.yaml:3:5: services.web additional properties 'imag' not allowed (did you mean 'image'?)`,
  )
  expect(manager.calls).toEqual([])
})

it('what has an answer of the manager is told as it is', async () => {
  const { code, stderr } = await compose('exec web ls')
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'No such project: shop. Start it with `compose up`\n' })
})

it('exec talks with the command, both ways, and ends with its code', async () => {
  await compose('up -d')
  const outcome = await compose('exec -e A=1 -u me web cat -n', { input: 'hello\n' })
  expect(outcome).toEqual({ code: 7, stdout: 'hello\n', stderr: 'bye\n' })
  expect(manager.execs).toMatchObject([{ Cmd: ['cat', '-n'], Env: ['A=1'], User: 'me', Tty: false }])
  expect((await compose('exec --index 9 web ls')).stderr).toContain('service "web" is not running container #9')
})

it('up without -d shows what is written until Ctrl-C, and leaves it running', async () => {
  manager.logs.set('c-db-1', ['2026-01-01T00:00:01Z ready'])
  const stop = new AbortController()
  const running = compose('up', { signal: stop.signal })
  while (!manager.calls.some(call => call.includes('/c-db-1/logs'))) await new Promise(setImmediate)
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  stop.abort()
  const { code, stderr } = await running
  expect(code).toBe(130)
  expect(stderr).toContain('The services of shop keep running. Stop them with `compose down`\n')
  expect(manager.projects.has('shop')).toBe(true)
})
