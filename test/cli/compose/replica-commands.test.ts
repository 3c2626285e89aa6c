import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'
import { containerSummary } from '../support/container-summary.ts'
import { pollingClock } from '../support/run.ts'

const SHOP = `
name: shop
services:
  web: {build: ., image: "r:5000/web:1", scale: 2, volumes: ["data:/data"]}
  db: {image: "db:1"}
volumes: {data: {}}
`

const { manager, compose, directory, write } = composeProject(SHOP)

beforeEach(async () => {
  await writeFile(join(directory(), 'Dockerfile'), 'FROM base\n')
  await compose('up -d')
})

const calls = (word: string): readonly string[] => manager().calls.filter(call => call.includes(word))

it('commit makes an image of one replica', async () => {
  const commit = { status: 201, body: { Id: 'sha256:new' } }
  manager().answers.set('POST /commit', commit)
  expect(await compose('commit --index 2 -m why web own:1')).toMatchObject({ code: 0, stdout: 'sha256:new\n' })
  expect(calls('/commit')).toEqual(['POST /commit?container=c-web-2&repo=own&tag=1&comment=why'])
  expect((await compose('commit --index 3 web')).stderr).toContain('service "web" is not running container #3')
})

it('attach talks to a replica, and ends with its code', async () => {
  const body = { Id: 'c-db-1', State: { Running: true }, Config: { Tty: false, OpenStdin: true }, HostConfig: {} }
  manager().answers.set('GET /containers/c-db-1/json', { body })
  manager().answers.set('POST /containers/c-db-1/wait', { body: { StatusCode: 4 } })
  expect(await compose('attach db', { input: 'hello\n' })).toEqual({ code: 4, stdout: 'hello\n', stderr: 'bye\n' })
})

it("volumes lists the project's, or those of services", async () => {
  const volume = (Name: string): object => ({ Name, Driver: 'local', Labels: null, Mountpoint: '', Scope: 'local' })
  manager().answers.set('GET /volumes', { body: { Volumes: [volume('other'), volume('shop_data')] } })
  expect((await compose('volumes')).stdout).toBe('DRIVER    VOLUME NAME\nlocal     shop_data\n')
  const place = { Destination: '/data', Source: '', Mode: '', RW: true, Propagation: '' }
  const Mounts = [{ Type: 'volume' as const, Name: 'shop_data', ...place }]
  const Labels = { 'com.docker.compose.service': 'web' }
  manager().answers.set('GET /containers/json', { body: [containerSummary('shop-web-1', { Labels, Mounts })] })
  expect((await compose('volumes -q web')).stdout).toBe('shop_data\n')
  expect((await compose('volumes -q db')).stdout).toBe('')
})

it('build --push pushes what was built and has a name, and --memory limits its steps', async () => {
  manager().answers.set('POST /images/r:5000/web/push', { body: { status: 'pushed' } })
  expect(await compose('build --push --memory 64m --provenance=false web')).toMatchObject({ code: 0 })
  expect(manager().builds.at(-1)?.query.get('memory')).toBe(String(64 * 2 ** 20))
  expect(calls('/push')).toHaveLength(1)
  expect((await compose('build --push --dry-run')).stdout).toBe('build image r:5000/web:1\npush image r:5000/web:1\n')
  expect(await compose('build --memory lots')).toMatchObject({ code: 2 })
})

it('start --wait waits for health', async () => {
  await compose('stop db')
  manager().lives.set('db', [{ health: 'starting' }])
  const { code, stderr } = await compose('start --wait --wait-timeout 2 db')
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('Not healthy after 2 s: db') })
})

it('kill and ps leave out what the files no longer name, if that is asked for', async () => {
  await write('name: shop\nservices: {db: {image: "db:1"}}\n')
  const kills = (): readonly string[] =>
    calls('/kill').map(call => call.replace(/^POST .containers.(.*).kill.*$/, '$1'))
  for (const name of ['c-db-1', 'c-web-1', 'c-web-2']) manager().answers.set(`POST /containers/${name}/kill`, {})
  await compose('kill')
  expect(kills()).toEqual(['c-db-1'])
  await compose('kill --remove-orphans')
  expect(kills().toSorted()).toEqual(['c-db-1', 'c-db-1', 'c-web-1', 'c-web-2'])
  expect((await compose('ps --services')).stdout).toBe('db\nweb\n')
  expect((await compose('ps --services --orphans=false')).stdout).toBe('db\n')
})

it('logs -f shows one replica only with --index, and ends at --until', async () => {
  manager().logs.set('c-web-1', ['2026-01-01T00:00:00Z one'])
  manager().logs.set('c-web-2', ['2026-01-01T00:00:00Z two'])
  const polls = pollingClock()
  let end = (): void => {}
  const clock = {
    ...polls,
    setTimer(delayMs: number, run: () => void) {
      if (delayMs === 60_000) end = run
      // Who asks for the log again has shown it.
      else if (calls('/logs').length > 1) end()
      return polls.setTimer(delayMs, run)
    },
  }
  const until = new Date(clock.nowMs() + 60_000).toISOString()
  const { code, stdout } = await compose(`logs -f --index 2 --until ${until} web`, { clock })
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'web-2 | two\n' })
})

it('cp --all copies into what run has made too', async () => {
  const Labels = { 'com.docker.compose.service': 'db', 'com.docker.compose.oneoff': 'True' }
  manager().answers.set('GET /containers/json', { body: [containerSummary('shop-db-run-1', { Labels })] })
  const lines = (await compose('cp --all --dry-run compose.yaml db:/tmp')).stdout
  expect(lines).toBe('copy compose.yaml to db:/tmp (shop-db-1)\ncopy compose.yaml to db:/tmp (shop-db-run-1)\n')
  expect((await compose('cp --dry-run compose.yaml db:/tmp')).stdout).not.toContain('run-1')
})
