import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'
import { imageId, taskView } from '../support/fake-manager.ts'

const SHOP = `
name: shop
services:
  web: {image: "r:5000/web:1", scale: 2}
  db: {image: "db:1"}
  own: {build: ., image: "r:5000/own:1"}
  mine: {build: .}
`

const { manager, compose, directory, sent } = composeProject(SHOP)

beforeEach(async () => {
  await writeFile(join(directory(), 'Dockerfile'), 'FROM base\n')
  await compose('up -d')
})

it('port tells where a port is answered, on any host or on one', async () => {
  manager().lives.set('web', [{ ports: ['*:8080->80/tcp', '10.0.0.1:53->53/udp'] }])
  expect(await compose('port web 80')).toMatchObject({ code: 0, stdout: '0.0.0.0:8080\n' })
  manager().lives.set('web', [{ address: '10.0.0.7', ports: ['*:8080->80/tcp', '10.0.0.1:53->53/udp'] }])
  expect((await compose('port web 80')).stdout).toBe('10.0.0.7:8080\n')
  manager().lives.set('web', [{ address: 'fd00::7', ports: ['*:8080->80/tcp', '10.0.0.1:53->53/udp'] }])
  expect((await compose('port web 80')).stdout).toBe('[fd00::7]:8080\n')
  expect((await compose('port --protocol udp --index 2 web 53')).stdout).toBe('10.0.0.1:53\n')
  expect(await compose('port web 81')).toMatchObject({
    code: 1,
    stderr: 'no port 81/tcp for container shop-web-1: *:8080->80/tcp, 10.0.0.1:53->53/udp\n',
  })
  expect((await compose('port web x')).stderr).toContain('Cannot read port "x"')
  expect((await compose('port nope 80')).stderr).toContain('no such service: nope')
})

it('top lists the processes of all hosts', async () => {
  for (const slot of [1, 2]) {
    const body = { Titles: ['PID', 'CMD'], Processes: [[`${slot}0`, 'serve']] }
    manager().answers.set(`GET /containers/c-web-${slot}/top`, { body })
  }
  const lines = (await compose('top web')).stdout.split('\n').map(line => line.trim().split(/\s+/).join(' '))
  expect(lines).toEqual(['SERVICE # PID CMD NODE', 'web 1 10 serve n1', 'web 2 20 serve n2', ''])
})

it('images tells what containers were made of', async () => {
  const Labels = { 'com.docker.compose.service': 'db' }
  const body = [{ Id: 'c-db-1', Names: ['/n1/shop-db-1'], Image: 'db:1', ImageID: imageId(5), Labels }]
  manager().answers.set('GET /containers/json', { body })
  const image = { Id: imageId(5), RepoTags: ['db:1'], Size: 5_000_000, Os: 'linux', Architecture: 'amd64' }
  manager().answers.set(`GET /images/${imageId(5)}/json`, { body: { ...image, Created: '1970-01-01T00:00:40Z' } })
  const { stdout } = await compose('images')
  expect(stdout.split('\n')[0]).toMatch(/^CONTAINER +REPOSITORY +TAG +PLATFORM +IMAGE ID +SIZE +CREATED$/)
  expect(stdout).toMatch(/\nshop-db-1 +db +1 +linux\/amd64 +000000000000 +5MB +About a minute ago\n/)
  expect(JSON.parse((await compose('images --format json')).stdout)).toMatchObject([
    { ContainerName: 'shop-db-1', Repository: 'db', Tag: '1', Size: 5_000_000 },
  ])
  expect((await compose('images -q')).stdout).toBe(`${imageId(5).slice(7)}\n`)
  expect((await compose('images web')).stdout.split('\n')).toHaveLength(2)
})

it('refuses names of projects that none can have, and of services that are not there', async () => {
  const bad = await compose('-p BAD ps')
  expect(bad.stdout).toBe('')
  expect(bad.code).not.toBe(0)
  expect(bad.stderr).toContain('invalid project name "BAD": must consist only of lowercase')
  manager().answers.set('GET /volumes', { body: { Volumes: [] } })
  const none = await compose('volumes nope')
  expect(none).toMatchObject({ stdout: '', stderr: expect.stringContaining('no such service: nope. The services are') })
  manager().answers.set('GET /version', { body: { Components: [{ Name: 'Engine' }] } })
  expect(await compose('volumes nope')).toMatchObject({ code: 1, stdout: '', stderr: 'no such service: nope\n' })
  // Without files nobody knows what there could be, as with docker compose.
  manager().answers.set('GET /containers/json', { body: [] })
  expect(await compose('-p shop volumes -q nope')).toMatchObject({ code: 0, stdout: '', stderr: '' })
})

it('events tells what happens to containers, without what everybody knows', async () => {
  const Attributes = { name: 'shop-db-1', image: 'db:1', 'com.docker.compose.service': 'db' }
  const event = {
    Type: 'container',
    Action: 'start',
    time: 1,
    timeNano: 1_500_000_000,
    Actor: { ID: 'c1', Attributes },
  }
  const other = { ...event, Actor: { ID: 'c2', Attributes: { ...Attributes, 'com.docker.compose.service': 'web' } } }
  manager().answers.set('GET /events', { body: `${JSON.stringify(event)}\n${JSON.stringify(other)}\n` })
  expect((await compose('events --until 5 db')).stdout).toBe(
    '1970-01-01 00:00:01.500000 container start c1 (image=db:1, name=shop-db-1)\n',
  )
  const call = manager().calls.find(each => each.includes('/events')) ?? ''
  expect(decodeURIComponent(call)).toContain('"label":["com.docker.compose.project=shop"]')
  const [first = ''] = (await compose('events --json')).stdout.split('\n')
  expect(JSON.parse(first)).toEqual({
    time: '1970-01-01T00:00:01.500Z',
    type: 'container',
    service: 'db',
    id: 'c1',
    action: 'start',
    attributes: { image: 'db:1', name: 'shop-db-1' },
  })
})

it('stats shows what containers use', async () => {
  const cpu = { cpu_usage: { total_usage: 0 } }
  const body = {
    id: 'c-db-1',
    name: '/shop-db-1',
    cpu_stats: cpu,
    memory_stats: { usage: 1_048_576, limit: 4_194_304 },
  }
  manager().answers.set('GET /containers/c-db-1/stats', { body })
  const { stdout } = await compose('stats --no-stream --format {{.Name}}:{{.MemPerc}} db')
  expect(stdout).toBe('shop-db-1:25.00%\n')
})

it('wait ends with the code of what it waited for', async () => {
  manager().answers.set('POST /containers/c-db-1/wait', { body: { StatusCode: 9 } })
  expect(await compose('wait db')).toMatchObject({ code: 9, stdout: 'container "c-db-1" exited with status code 9\n' })
  await compose('wait --down-project db')
  expect(manager().projects.size).toBe(0)
  expect((await compose('wait db')).stderr).toContain('No such project: shop')
})

it('cp copies into all replicas, and out of one', async () => {
  const stat = Buffer.from(JSON.stringify({ name: 'tmp', mode: 0x80000000, linkTarget: '' })).toString('base64')
  for (const slot of [1, 2]) {
    manager()
      .answers.set(`HEAD /containers/c-web-${slot}/archive`, { headers: { 'x-docker-container-path-stat': stat } })
      .set(`PUT /containers/c-web-${slot}/archive`, {})
  }
  await writeFile(join(directory(), 'page.html'), 'hello')
  expect((await compose(`cp ${directory()}/page.html web:/tmp`)).code).toBe(0)
  const puts = (): readonly string[] => manager().calls.filter(call => call.startsWith('PUT /containers'))
  expect(puts()).toHaveLength(2)
  expect(String(sent('PUT /containers/c-web-2/archive'))).toContain('page.html')
  await compose(`cp --index 2 ${directory()}/page.html web:/tmp`)
  expect(puts()).toHaveLength(3)
  expect((await compose('cp --dry-run ./page.html web:/tmp')).stdout).toContain('(shop-web-2)\n')
  expect((await compose('cp web:/a db:/b')).stderr).toContain('copying between services is not supported')
  expect((await compose('cp ./a ./b')).stderr).toContain('unknown copy direction')
  expect((await compose('cp - web:/tmp')).stderr).toContain('name it with --index')
  expect(await readFile(join(directory(), 'page.html'), 'utf8')).toBe('hello')
})

it('pull brings what is not built, and goes on if it may', async () => {
  manager().answers.set('POST /images/create', { body: { status: 'done' } })
  manager().images.set('db:1', imageId(1)).set('r:5000/web:1', imageId(2)).set('r:5000/own:1', imageId(3))
  const pulls = (): readonly string[] => manager().calls.filter(call => call.includes('/images/create'))
  const { code, stderr } = await compose('pull')
  expect(code).toBe(0)
  expect(stderr).toContain(' Image db:1  Pulled\n')
  expect(pulls()).toHaveLength(3)
  await compose('pull --ignore-buildable')
  expect(pulls()).toHaveLength(5)
  expect((await compose('pull --policy missing db')).stderr).toContain('Skipped')
  expect((await compose('pull --dry-run db')).stdout).toBe('pull image db:1\n')
  expect(pulls()).toHaveLength(5)
  manager().answers.set('POST /images/create', { body: { error: 'manifest unknown' } })
  expect(await compose('pull db')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Cannot pull db:1') as string,
  })
  expect((await compose('pull --ignore-pull-failures db')).code).toBe(0)
  // What can be built need not be in a registry.
  expect(await compose('pull own')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('compose build own') as string,
  })
})

it('push carries away what was built and has a name of its own', async () => {
  manager().answers.set('POST /images/r:5000/own/push', { body: { status: 'done' } })
  const { code, stderr } = await compose('push')
  expect({ code, stderr }).toEqual({ code: 0, stderr: ' Image r:5000/own:1  Pushing\n Image r:5000/own:1  Pushed\n' })
  expect((await compose('push web')).stderr).toBe('')
  manager().answers.clear()
  expect((await compose('push')).stderr).toContain('Cannot push r:5000/own:1')
  expect((await compose('push --ignore-push-failures')).code).toBe(0)
})

it('leaves out what does not run', async () => {
  manager().lives.set('db', [{ ...taskView('db', 1), state: 'failed', exitCode: 1 }])
  expect((await compose('port db 80')).stderr).toBe('service "db" is not running; see `compose ps -a`\n')
  expect((await compose('wait db')).stderr).toContain('no containers for project "shop"')
})
