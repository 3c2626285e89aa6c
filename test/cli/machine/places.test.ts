import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { Scope } from '../../../src/core/scope.ts'
import { serveByHand } from '../../support/hand-server.ts'
import { type FakeWorld, fakeWorld } from './world.ts'

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
    const url = `ssh://ann@127.0.0.1:${port}`
    expect((await world.machine('url', 'n1')).stdout).toBe(`${url}\n`)
    expect((await world.machine('config', 'n1')).stdout).toBe(`-H=${url}\n`)
    expect((await world.machine('env', '--shell', 'sh', 'n1')).stdout).toContain(`export DOCKER_HOST="${url}";\n`)
    expect((await world.withEnv({ DOCKER_HOST: url }, 'active')).stdout).toBe('n1\n')
  })

  it('is asked by root on its own host how it is', async () => {
    await world.machine('create', ...host, '--access', 'ssh', 'n1')
    const listed = () => world.machine('ls', '--format', '{{.State}} {{.DockerVersion}} {{.Error}}')
    world.answer = () => ({ code: 0, lines: ['28.5.2'] })
    expect((await listed()).stdout).toBe('Running v28.5.2 \n')
    expect(world.commands.at(-1)?.words).toEqual(expect.arrayContaining(['sudo', 'unix:///run/shoal/engine.sock']))
    world.answer = () => ({ code: 1, lines: [] })
    expect((await listed()).stdout).toMatch(/^Running Unknown its engine does not answer/)
    world.refuse = () => failed('SSH_AUTH', 'not let in')
    expect((await listed()).stdout).toBe('Running Unknown not let in\n')
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
    expect((await world.machine('url', 'm1')).stdout).toBe(`ssh://ann@127.0.0.1:${port}/run/shoal/engine.sock\n`)
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

  it('gives another one when asked, and only there', async () => {
    await world.machine('create', ...host, '--swarm', '--swarm-master', 'm1')
    await world.machine('create', ...host, '--swarm', 'w1')
    await world.machine('create', ...host, '--access', 'ssh', 'n1')
    expect(await world.machine('regenerate-certs', '-f', 'w1', 'm1')).toMatchObject({
      code: 0,
      stdout: 'There is a new certificate for the cluster of "m1"\n',
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
