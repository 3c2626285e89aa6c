import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../scripts/lib/command.ts'
import { failed } from '../../../src/core/errors.ts'
import { Scope } from '../../../src/core/scope.ts'
import { jsonAnswer, serveByHand } from '../../support/hand-server.ts'
import { type FakeWorld, fakeWorld, wantingPassword } from './world.ts'

let world: FakeWorld
let scope: Scope
/** Flags of a host whose sshd answers. */
let host: readonly string[]
let port = ''

beforeEach(async () => {
  world = fakeWorld()
  scope = new Scope()
  const { address } = await serveByHand(scope, () => {})
  port = address.split(':')[1] ?? ''
  host = ['--generic-ip-address', '127.0.0.1', '--generic-ssh-port', port, '--generic-ssh-user', 'ann']
})

afterEach(async () => {
  await scope[Symbol.asyncDispose]()
  await world.dispose()
})

describe('an engine that is in no cluster', () => {
  it('is reached over SSH where no port of it is to be open', async () => {
    await world.machine('create', ...host, '--access', 'ssh', 'n1')
    expect([world.asked, world.provisioned[0]?.request.certifier]).toEqual([[], undefined])
    const url = `ssh://ann@127.0.0.1:${port}/run/shoal/engine.sock`
    expect((await world.machine('url', 'n1')).stdout).toBe(`${url}\n`)
    expect((await world.machine('config', 'n1')).stdout).toBe(`-H=${url}\n`)
    expect((await world.machine('env', '--shell', 'sh', 'n1')).stdout).toContain(`export DOCKER_HOST="${url}";\n`)
    expect((await world.withEnv({ DOCKER_HOST: url }, 'active')).stdout).toBe('n1\n')
  })

  it('is asked at its socket how it is by whoever logs in as root', async () => {
    const asRoot = ['--generic-ip-address', '127.0.0.1', '--generic-ssh-port', port]
    await world.machine('create', ...asRoot, '--access', 'ssh', 'n1')
    const engine = await serveByHand(scope, socket => void socket.write(jsonAnswer({ Version: '28.5.2' })))
    const dialled: string[] = []
    world.dial = async (_host, path) => {
      dialled.push(path)
      return connect(Number(engine.address.split(':')[1]), '127.0.0.1')
    }
    expect((await world.machine('ls', '--format', '{{.State}} {{.DockerVersion}} {{.Error}}')).stdout).toBe(
      'Running v28.5.2 \n',
    )
    expect([dialled, world.commands]).toEqual([['/run/shoal/engine.sock'], []])
  })

  it('is left once nobody waits for what it does not say', async () => {
    const frozen = await serveByHand(scope, () => world.interrupt.abort(new Error('stopped')))
    await world.machine('create', '-d', 'none', '--url', `tcp://${frozen.address}`, 'n2')
    await world.machine('ls').catch(() => undefined)
    // Else its connection stays, and our process with it.
    await until('it is hung up on', async () => (frozen.open.size === 0 ? true : undefined), { timeoutMs: 4_000 })
  })

  it('is asked by root on its own host how it is', async () => {
    await world.machine('create', ...host, '--access', 'ssh', 'n1')
    const listed = () => world.machine('ls', '--format', '{{.State}} {{.DockerVersion}} {{.Error}}')
    const bySudo = (code: number, lines: readonly string[]) => (_host: string, words: readonly string[]) =>
      words[0] === 'sudo' ? { code, lines } : { code: 0, lines: ['sudo'] }
    world.answer = bySudo(0, ['28.5.2'])
    expect((await listed()).stdout).toBe('Running v28.5.2 \n')
    expect(world.commands.at(-1)?.words).toEqual(expect.arrayContaining(['sudo', 'unix:///run/shoal/engine.sock']))
    world.answer = bySudo(1, [])
    expect((await listed()).stdout).toMatch(/^Running Unknown its engine does not answer/)
    world.answer = bySudo(127, [])
    expect((await listed()).stdout).toBe('Running Unknown Shoal is not installed there: run `machine provision n1`\n')
    world.answer = wantingPassword(() => ({ code: 0, lines: [] }))
    expect((await listed()).stdout).toBe(
      'Running Unknown sudo asks for a password there: run `machine doctor --ask-sudo-pass n1`\n',
    )
    world.refuse = () => failed('SSH_AUTH', 'not let in')
    expect((await listed()).stdout).toBe('Running Unknown not let in\n')
  })
})

describe('an engine with certificates of its own', () => {
  const pathOf = (name: string): string => join(world.root, 'machines/n1', name)
  const env = () => world.machine('env', '--shell', 'sh', 'n1')
  beforeEach(() => world.machine('create', ...host, 'n1'))

  it.each([
    ['key.pem', 'of another'],
    ['cert.pem', 'damaged'],
  ])('is reached again where %s is not what it was', async (name, text) => {
    const before = world.readFile(`machines/n1/${name}`)
    await writeFile(pathOf(name), text)
    expect(await env()).toMatchObject({ code: 0, stdout: expect.stringContaining('tcp://127.0.0.1:2376') })
    expect(world.readFile(`machines/n1/${name}`)).toBe(before)
  })

  it('is not taken for one without where they cannot be read', async () => {
    await rm(pathOf('key.pem'))
    await mkdir(pathOf('key.pem'))
    expect(await env()).toMatchObject({ code: 1, stderr: expect.stringContaining(`Cannot read ${pathOf('key.pem')}`) })
    expect(await world.machine('url', 'n1')).toMatchObject({ code: 1, stdout: '' })
  })
})

describe('a cluster with certificates', () => {
  const folder = () => join(world.root, 'machines/m1/client')

  it('gives one to whoever makes it, by a token for clients alone', async () => {
    await world.machine('create', ...host, '--swarm', '--swarm-master', 'm1')
    expect(world.tokens).toEqual([{ role: 'client', master: 'm1' }])
    expect(world.fetched).toMatchObject([
      { directory: folder(), managers: ['127.0.0.1:3376'], token: 'token of a client' },
    ])
    // What is there is good for its workers too.
    await world.machine('create', ...host, '--swarm', 'w1')
    await world.machine('provision', 'm1')
    expect(world.fetched).toHaveLength(1)
  })

  it('lets docker speak to its manager, and to its engines over SSH', async () => {
    await world.machine('create', ...host, '--swarm', '--swarm-master', 'm1')
    const { stdout } = await world.machine('env', '--shell', 'sh', '--swarm', 'm1')
    expect(stdout).toContain(
      `export DOCKER_TLS_VERIFY="1";\nexport DOCKER_HOST="tcp://127.0.0.1:3376";\nexport DOCKER_CERT_PATH="${folder()}";\n`,
    )
    expect((await world.machine('config', '--swarm', 'm1')).stdout).toContain(`--tlskey="${folder()}/key.pem"\n`)
    await world.machine('create', ...host, '--swarm', 'w1')
    for (const name of ['m1', 'w1']) {
      expect((await world.machine('url', name)).stdout).toBe(`ssh://ann@127.0.0.1:${port}/run/shoal/engine.sock\n`)
    }
  })

  it('is made all the same where no certificate can be had yet, and the next who needs one fetches it', async () => {
    world.refuseFetch = failed('NO_MANAGER', 'the port is closed')
    const { code, stderr } = await world.machine('create', ...host, '--swarm', '--swarm-master', 'm1')
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('(the port is closed): run `machine regenerate-certs m1`'),
    ])
    expect((await world.machine('env', '--swarm', '--shell', 'sh', 'm1')).stderr).toContain('the port is closed')
    world.refuseFetch = undefined
    expect((await world.machine('env', '--swarm', '--shell', 'sh', 'm1')).code).toBe(0)
    await access(join(folder(), 'cert.pem'))
  })

  it('is told by the name of its master', async () => {
    await world.machine('create', ...host, '--swarm', '--swarm-master', 'm1')
    await world.machine('create', ...host, '--swarm', 'w1')
    const { stdout } = await world.machine('ls', '--format', '{{.Name}} {{.Swarm}}')
    expect(stdout).toBe('m1 m1 (master)\nw1 m1\n')
    expect((await world.machine('ls', '-q', '--filter', 'swarm=m1')).stdout).toBe('m1\nw1\n')
  })

  it('names the master to whoever asks a member for its manager', async () => {
    await world.machine('create', ...host, '--swarm', '--swarm-master', 'm1')
    await world.machine('create', ...host, '--swarm', 'w1')
    expect(await world.machine('env', '--shell', 'sh', '--swarm', 'w1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"w1" runs no manager: name "m1", which runs that of its cluster'),
    })
  })

  it('tells whoever makes its master of the manager first', async () => {
    const { stderr } = await world.machine('create', ...host, '--swarm', '--swarm-master', 'm1')
    expect(stderr).toMatch(/to the manager .*: machine env --swarm m1\n.*to the Docker Engine .*: machine env m1\n$/)
  })

  it('takes no member without one, and says so before anything is done', async () => {
    await world.machine('create', ...host, '--swarm', '--swarm-master', 'm1')
    const create = (...flags: readonly string[]) => world.machine('create', ...host, '--swarm', '--insecure', ...flags)
    expect(await create('--swarm-master', 'm2')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'The cluster of "m1" has certificates: leave --insecure out, or begin another cluster with --swarm-discovery machine://m2',
      ),
    })
    expect((await create('w1')).stderr).toContain('leave --insecure out\n')
    expect(world.provisioned).toHaveLength(1)
    expect((await world.machine('ls', '-q')).stdout).toBe('m1\n')
    expect(await create('--swarm-master', '--swarm-discovery', 'machine://m2', 'm2')).toMatchObject({ code: 0 })
  })

  it('gives another one when asked, and only there', async () => {
    const asRoot = host.map(word => (word === 'ann' ? 'root' : word))
    await world.machine('create', ...asRoot, '--swarm', '--swarm-master', 'm1')
    await world.machine('create', ...asRoot, '--swarm', 'w1')
    await world.machine('create', ...asRoot, '--access', 'ssh', 'n1')
    expect(await world.machine('regenerate-certs', '-f', 'w1', 'm1')).toMatchObject({
      code: 0,
      stdout:
        'There is a new certificate of yours for the cluster of "m1"\nThere are new certificates for "w1"\nThere are new certificates for "m1"\n',
    })
    expect(world.fetched).toHaveLength(2)
    expect((await world.machine('regenerate-certs', 'n1')).stderr).toContain('is in no cluster')
  })

  it('needs none where everybody may do everything', async () => {
    await world.machine('create', ...host, '--swarm', '--swarm-master', '--insecure', 'm1')
    expect(world.fetched).toEqual([])
    expect((await world.machine('url', 'm1')).stdout).toBe('tcp://127.0.0.1:2376\n')
    expect((await world.machine('config', '--swarm', 'm1')).stdout).toBe('-H=tcp://127.0.0.1:3376\n')
  })
})
