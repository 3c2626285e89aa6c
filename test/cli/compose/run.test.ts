import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'

const SHOP = `
name: shop
services:
  web:
    image: "web:1"
    command: serve
    ports: ["8080:80"]
    environment: {A: "1", NAME: "{{.Task.Name}}"}
    depends_on: {db: {condition: service_healthy}}
    volumes: ["data:/data"]
    deploy: {placement: {constraints: ["node.labels.disk == ssd"]}}
  db: {image: "db:1", scale: 2}
volumes: {data: {}}
`

const { manager, compose, sent, directory } = composeProject(SHOP)

interface Sent {
  readonly Image: string
  readonly Labels: Readonly<Record<string, string>>
  readonly Env: readonly string[]
  readonly HostConfig: Readonly<Record<string, unknown>>
}

function canRun(code = 0): void {
  manager()
    .answers.set('POST /containers/create', { status: 201, body: { Id: 'r1', Warnings: [] } })
    .set('POST /containers/r1/start', { status: 204 })
    .set('POST /containers/r1/wait', { body: { StatusCode: code } })
}

const created = (): Sent => sent('POST /containers/create') as Sent
const creation = (): string => manager().calls.find(call => call.includes('/containers/create')) ?? ''

it('starts what the service depends on, runs the command, and ends with its code', async () => {
  canRun(3)
  const { code, stdout, stderr } = await compose('run --rm web migrate --all', { input: 'hello\n' })
  expect({ code, stdout }).toEqual({ code: 3, stdout: 'hello\n' })
  expect(stderr).toContain(' Service db  Started\n')
  expect(
    manager()
      .projects.get('shop')
      ?.spec.services.map(({ name }) => name),
  ).toEqual(['db'])
  expect(creation()).toMatch(/name=shop-web-run-[0-9a-f]{12}/)
  const { Image, Labels, HostConfig } = created()
  expect(Image).toBe('web:1')
  expect(created()).toMatchObject({ Cmd: ['migrate', '--all'], OpenStdin: true, AttachStdin: true, Tty: false })
  expect(HostConfig).toMatchObject({ AutoRemove: true, NetworkMode: 'shop_default', RestartPolicy: { Name: 'no' } })
  expect(HostConfig['Mounts']).toEqual([{ Type: 'volume', Source: 'shop_data', Target: '/data' }])
  expect(HostConfig['PortBindings']).toBeUndefined()
  expect(Labels).toMatchObject({
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': 'web',
    'com.docker.compose.oneoff': 'True',
    'com.docker.compose.container-number': '1',
    'com.docker.swarm.constraints': '["node.labels.disk == ssd"]',
  })
  expect(Labels['com.docker.compose.slug']).toMatch(/^[0-9a-f]{64}$/)
})

it('waits for a dependency to be healthy, and says which one is not', async () => {
  canRun()
  manager().lives.set('db', [{ health: 'unhealthy', state: 'failed', exitCode: 2 }])
  const { code, stderr } = await compose('run web migrate')
  expect(code).toBe(1)
  expect(stderr).toContain('Cannot start shop-db-1 on n1: it exited with code 2')
  expect(manager().calls.some(call => call.includes('/containers/create'))).toBe(false)
})

it('does without dependencies, and leaves what runs as it runs', async () => {
  canRun()
  expect((await compose('run --no-deps web true')).code).toBe(0)
  expect(manager().projects.get('shop')?.spec.services).toEqual([])
  expect(
    manager()
      .projects.get('shop')
      ?.spec.networks.map(({ name }) => name),
  ).toEqual(['shop_default'])
  await compose('up -d --scale db=5')
  expect((await compose('run web true')).code).toBe(0)
  const replicas = manager()
    .projects.get('shop')
    ?.spec.services.map(({ name, replicas }) => `${name}=${replicas}`)
  expect(replicas?.toSorted()).toEqual(['db=5', 'web=1'])
})

it('takes docker compose’s flags', async () => {
  canRun()
  const flags = '-e A=2 -e HOME -p 9000:90 -P -v data:/more -v ./here:/there:ro -v /own -u me -w /w --name once -l a=b'
  const { code } = await compose(`run -d --no-deps --use-aliases --entrypoint sh ${flags} web`, {
    env: { HOME: '/me' },
  })
  expect(code).toBe(0)
  expect(creation()).toContain('name=once')
  expect(created()).toMatchObject({
    Entrypoint: ['sh'],
    User: 'me',
    WorkingDir: '/w',
    Env: ['A=2', 'NAME=once', 'HOME=/me'],
    Volumes: { '/own': {} },
    AttachStdout: false,
    NetworkingConfig: { EndpointsConfig: { shop_default: { Aliases: ['web'] } } },
  })
  expect(created()).not.toHaveProperty('Cmd')
  expect(created().Labels['a']).toBe('b')
  expect(created().HostConfig).toMatchObject({
    PortBindings: { '90/tcp': [{ HostPort: '9000' }], '80/tcp': [{ HostPort: '8080' }] },
  })
  const [first, second] = created().HostConfig['Binds'] as string[]
  expect(first).toBe('shop_data:/more')
  expect(second).toMatch(/^\/.*\/here:\/there:ro$/)
})

it('-d prints the id and does not wait', async () => {
  canRun()
  expect(await compose('run -d --no-deps web')).toMatchObject({ code: 0, stdout: 'r1\n' })
  expect(manager().calls.some(call => call.includes('/wait'))).toBe(false)
})

it('what cannot be started is told in the engine’s words', async () => {
  canRun()
  manager().answers.set('POST /containers/r1/start', { status: 400, body: { message: 'exec: "nope": not found' } })
  const { code, stderr } = await compose('run --no-deps web nope')
  expect(code).toBe(1)
  expect(stderr).toContain('Error response from daemon: exec: "nope": not found\n')
})

it('--dry-run makes nothing', async () => {
  const { code, stdout } = await compose('run --dry-run web migrate')
  expect(code).toBe(0)
  expect(stdout).toMatch(/\+ create service db\n[^]*\+ run {4}container shop-web-run-[0-9a-f]{12}\n$/)
  expect(manager().projects.size).toBe(0)
})

it('refuses what is not a service, a volume or a command line', async () => {
  expect((await compose('run nope')).stderr).toContain('no such service: nope')
  expect((await compose('run --no-deps -v data:x web')).stderr).toContain('Cannot read volume "data:x"')
  expect((await compose("run --no-deps --entrypoint 'x web")).stderr).toContain('Cannot read --entrypoint')
})

it('does what the service wants done after a start beside the command, whose own failure counts first', async () => {
  await writeFile(
    join(directory(), 'compose.yaml'),
    'name: shop\nservices: {web: {image: "web:1", post_start: [{command: [warm, up], user: "5"}]}}\n',
  )
  canRun(0)
  const hooked = await compose('run web')
  expect(hooked.code).toBe(1)
  expect(hooked.stderr).toContain('web post_start.0 hook exited with status 7')
  expect(manager().execs[0]).toMatchObject({ Cmd: ['warm', 'up'], User: '5' })
  canRun(3)
  expect(await compose('run web')).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/^Warning: web post_start\.0 hook exited with status 7/m),
  })
})
