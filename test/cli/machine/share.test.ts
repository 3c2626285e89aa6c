import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { Scope } from '../../../src/core/scope.ts'
import { isIssuedBy } from '../../../src/trust/index.ts'
import { serveByHand } from '../../support/hand-server.ts'
import { makeAuthority } from '../../support/make-certificate.ts'
import { type FakeWorld, fakeWorld, recordOf } from './world.ts'

let world: FakeWorld
let other: FakeWorld
beforeEach(() => {
  world = fakeWorld()
  other = fakeWorld()
})
afterEach(async () => {
  await world.dispose()
  await other.dispose()
})

describe('machine export and import', () => {
  it('hand a machine over with what pins it, and without its keys', async () => {
    await world.machine('create', '--host', 'admin@10.0.0.1', '--accept-new', 'n1')
    await writeFile(join(world.root, 'machines/n1/key.pem'), 'a private key')
    const file = join(world.root, 'n1.json')
    expect(await world.machine('export', '-o', file, 'n1')).toMatchObject({ code: 0 })
    expect((await stat(file)).mode & 0o077).toBe(0)
    expect(await other.machine('import', file)).toMatchObject({ code: 0, stdout: 'n1\n' })
    expect(await readdir(join(other.root, 'machines/n1'))).toEqual(['ca.pem', 'known_hosts', 'machine.json'])
    expect(other.readFile('machines/n1/known_hosts')).toBe(world.readFile('machines/n1/known_hosts'))
  })

  it('leave a machine alone that is here already, and replace another of its name only by force', async () => {
    await world.machine('create', '--host', 'admin@10.0.0.1', '--accept-new', 'n1')
    const file = join(world.root, 'n1.json')
    await world.machine('export', '-o', file, 'n1')
    await other.machine('import', file)
    expect(await other.machine('import', file)).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Machine "n1" is here already, the same: nothing was changed\n',
    })
    const pinned = join(other.root, 'machines/n1/known_hosts')
    await writeFile(pinned, 'machine ssh-ed25519 AAAA\n')
    expect(await other.machine('import', file)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/left as it is: `machine rename n1 OTHER` .* --force/),
    })
    expect(await other.machine('import', '--force', '--dry-run', file)).toMatchObject({ stdout: 'Would import n1\n' })
    expect(other.readFile('machines/n1/known_hosts')).toBe('machine ssh-ed25519 AAAA\n')
    expect(await other.machine('import', '--force', file)).toMatchObject({ code: 0, stdout: 'n1\n' })
    expect(other.readFile('machines/n1/known_hosts')).toBe(world.readFile('machines/n1/known_hosts'))
    await world.machine('set-address', 'n1', '10.0.0.2')
    await world.machine('export', '-o', file, 'n1')
    expect((await other.machine('import', file)).code).toBe(1)
  })

  it('keep what is known of a machine that has changed, and nothing of another whose place is taken', async () => {
    const file = join(world.root, 'n1.json')
    const kept = join(other.root, 'machines/n1/provision.json')
    await world.machine('create', '--host', '10.0.0.1', '--accept-new', '--access', 'ssh', 'n1')
    await world.machine('export', '-o', file, 'n1')
    await other.machine('import', file)
    await writeFile(kept, '{}')
    await world.machine('set-address', 'n1', '10.0.0.2')
    await world.machine('export', '-o', file, 'n1')
    expect(await other.machine('import', '--force', file)).toMatchObject({ code: 0, stdout: 'n1\n' })
    expect([(await recordOf(other, 'n1')).settings['generic-ip-address'], await readFile(kept, 'utf8')]).toEqual([
      '10.0.0.2',
      '{}',
    ])
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"id":"\w+"/, '"id":"another"'))
    await other.machine('import', '--force', file)
    expect((await recordOf(other, 'n1')).id).toBe('another')
    expect(await readdir(join(other.root, 'machines/n1'))).toEqual(['known_hosts', 'machine.json'])
  })

  it('leave no machine without a record that a driver made', async () => {
    const file = join(world.root, 'n1.json')
    await world.machine('create', '-d', 'none', '--url', 'tcp://a:1', 'n1')
    await world.machine('export', '-o', file, 'n1')
    await other.machine('create', '-d', 'none', '--url', 'tcp://a:1', 'n1')
    const path = join(other.root, 'machines/n1/machine.json')
    const record = { ...JSON.parse(await readFile(path, 'utf8')), id: 'another', made: { id: '1' } }
    await writeFile(path, JSON.stringify(record))
    expect(await other.machine('import', '--force', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('`machine rm n1` removes it'),
    })
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(record)
  })

  it('say what whoever takes a machine over will miss', async () => {
    await world.machine('create', '--host', '10.0.0.1', '--accept-new', '--generic-ssh-key', '/keys/id', 'n1')
    const open = await world.machine('export', '-o', join(world.root, 'open.json'), 'n1')
    expect(open.stderr.split('\n')).toEqual([
      expect.stringMatching(/^n1: your certificate for its engine is not handed on: .*over SSH; --with-keys/),
      expect.stringMatching(/^n1: the key \/keys\/id is not handed on: .*--generic-ssh-key FILE n1/),
      '',
    ])
    const sealed = await world.answering('x\n', 'export', '--with-keys', '-o', join(world.root, 'sealed.json'), 'n1')
    expect(sealed.stderr).not.toContain('certificate')
    await world.machine('create', '--host', '10.0.0.2', '--accept-new', '--access', 'ssh', 'n2')
    expect((await world.machine('export', 'n2')).stderr).toBe('')
  })

  it('seal keys with a passphrase, without which nothing can be read', async () => {
    await world.machine('create', '-d', 'none', '--url', 'tcp://a:1', 'n1')
    await writeFile(join(world.root, 'machines/n1/key.pem'), 'a private key')
    const file = join(world.root, 'n1.json')
    expect(await world.answering('tree house\n', 'export', '--with-keys', '-o', file, 'n1')).toMatchObject({ code: 0 })
    expect(world.readFile('n1.json')).not.toMatch(/machine|tcp|private|YSBwcml2YXRl/)
    expect(await other.answering('tree hause\n', 'import', file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the passphrase is wrong'),
    })
    expect(await other.answering('tree house\n', 'import', file)).toMatchObject({ code: 0 })
    expect(other.readFile('machines/n1/key.pem')).toBe('a private key')
  })

  it.each([
    ['{', 'was not made by'],
    ['{"shoalMachines":2,"machines":[]}', 'was not made by'],
    ['{"shoalMachines":1,"machines":[{"record":{},"files":{"../x":""}}]}', 'was not made by'],
    ['{"shoalMachines":1,"machines":[{"record":{},"files":{"machine.json":""}}]}', 'was not made by'],
    ['{"shoalMachines":1,"machines":[{"record":{"version":1},"files":{}}]}', 'Cannot read'],
    ['{"shoalMachines":1,"machines":[]}', 'There are no machines'],
  ])('refuse what is no such file: %s', async (text, message) => {
    await writeFile(join(world.root, 'x.json'), text)
    expect(await world.machine('import', join(world.root, 'x.json'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(message),
    })
  })
})

/** A record as docker-machine 0.16 writes it, with what matters here. */
const record = (name: string, driverName: string, driver: object) =>
  JSON.stringify({
    ConfigVersion: 3,
    Driver: { MachineName: name, StorePath: '/home/x/.docker/machine', ...driver },
    DriverName: driverName,
    HostOptions: {
      Driver: '',
      Memory: 0,
      EngineOptions: { ArbitraryFlags: ['log-level=debug'], Env: null, Labels: ['rack=a'], InstallURL: 'https://get' },
      SwarmOptions: { IsSwarm: false },
      AuthOptions: { ServerCertSANs: ['n.example'] },
    },
    Name: name,
  })

it("takes docker-machine's store over", async () => {
  const store = join(world.root, 'theirs')
  const write = async (name: string, text: string, files: Readonly<Record<string, string>> = {}) => {
    await mkdir(join(store, 'machines', name), { recursive: true })
    for (const [file, content] of Object.entries({ 'config.json': text, ...files })) {
      await writeFile(join(store, 'machines', name, file), content)
    }
  }
  const gone = '/home/x/.docker/machine/machines/vm/id_rsa'
  await write('vm', record('vm', 'virtualbox', { IPAddress: '192.168.99.100', SSHUser: 'docker', SSHKeyPath: gone }), {
    id_rsa: 'a key',
    'ca.pem': 'a ca',
    'cert.pem': 'c',
    'key.pem': 'k',
    'server-key.pem': 'not ours to have',
  })
  await write('url', record('url', 'none', { URL: 'tcp://10.0.0.9:2376' }))
  await write('old', record('old', 'none', {}).replace('"ConfigVersion":3', '"ConfigVersion":1'))
  await write('odd', '{"ConfigVersion":3}')
  const { code, stdout, stderr } = await world.machine('import', store)
  expect([code, stdout.split('\n').toSorted()]).toEqual([0, ['', 'url', 'vm']])
  expect(await world.machine('import', store)).toMatchObject({ code: 0, stdout: '' })
  expect(stderr).toContain('vm: the driver "virtualbox" is not known')
  expect(stderr).toContain('only 3 is known')
  expect(stderr).toMatch(/odd\/config\.json/)
  expect(await recordOf(world, 'vm')).toMatchObject({
    driver: 'generic',
    settings: { 'generic-ip-address': '192.168.99.100', 'generic-ssh-user': 'docker', 'generic-ssh-port': 22 },
    engine: { kind: 'docker', options: ['log-level=debug'], labels: { rack: 'a' } },
    certificateNames: ['n.example'],
  })
  expect((await readdir(join(world.root, 'machines/vm'))).toSorted()).toEqual([
    'ca.pem',
    'cert.pem',
    'id_taken_over',
    'key.pem',
    'machine.json',
  ])
  expect((await world.machine('url', 'url')).stdout).toBe('tcp://10.0.0.9:2376\n')
  // The key is found in our store, wherever that stands.
  await world.machine('exec', 'vm', 'true')
  expect(world.connections.at(-1)?.keyPath).toBe(join(world.root, 'machines/vm/id_taken_over'))
})

it("takes over what docker-machine's store signs with, where there is nothing of that yet", async () => {
  const store = join(world.root, 'theirs')
  const { certificate, key } = await makeAuthority(['rsa:2048'])
  await mkdir(join(store, 'certs'), { recursive: true })
  await mkdir(join(store, 'machines/url'), { recursive: true })
  await writeFile(join(store, 'machines/url/config.json'), record('url', 'none', { URL: 'tcp://10.0.0.9:2376' }))
  await writeFile(join(store, 'certs/ca.pem'), certificate)
  await writeFile(join(store, 'certs/ca-key.pem'), key)
  expect(await world.machine('import', '--dry-run', store)).toMatchObject({ code: 0 })
  expect(await readdir(world.root)).not.toContain('certs')
  expect(await world.machine('import', store)).toMatchObject({ code: 0, stderr: '' })
  expect((await stat(join(world.root, 'certs/ca-key.pem'))).mode & 0o777).toBe(0o600)
  await world.machine('create', '--host', '10.0.0.1', '--accept-new', 'n1')
  expect(isIssuedBy(world.readFile('machines/n1/cert.pem'), certificate)).toBe(true)
  await other.machine('create', '--host', '10.0.0.1', '--accept-new', 'n1')
  const before = other.readFile('certs/ca.pem')
  expect((await other.machine('import', store)).stderr).toContain('left there: there is one here already')
  expect(other.readFile('certs/ca.pem')).toBe(before)
})

describe('what is known of a machine', () => {
  it('can get another name where nobody else knows it by its name', async () => {
    await world.machine('create', '--host', '10.0.0.1', '--accept-new', 'a')
    await world.machine('create', '-d', 'none', '--url', 'tcp://a:1', 'b')
    expect((await world.machine('rename', 'a', 'b')).stderr).toContain('exists already')
    expect((await world.machine('rename', 'a', '../b')).stderr).toContain('Invalid hostname')
    const { id } = await recordOf(world, 'a')
    expect(await world.machine('rename', 'a', 'c')).toEqual({ code: 0, stdout: 'c\n', stderr: '' })
    expect(await recordOf(world, 'c')).toMatchObject({ name: 'c', id })
    expect(await world.machine('rename', 'c', 'c')).toEqual({
      code: 0,
      stdout: 'c\n',
      stderr: 'Machine "c" has that name already: nothing was changed\n',
    })
    expect(await world.machine('rename', 'nobody', 'nobody')).toMatchObject({ code: 1, stdout: '' })
    const provision = { startedAtMs: 0, steps: { agent: { status: 'done', startedAtMs: 0 } }, undo: [] }
    await writeFile(join(world.root, 'machines/c/provision.json'), JSON.stringify(provision))
    expect((await world.machine('rename', 'c', 'e')).stderr).toContain(
      'still calls itself "c": run `machine provision e`',
    )
    await world.machine('rename', 'e', 'c')
    // What a crash in the middle leaves: the folder has moved, and its record has not been written anew.
    await rename(join(world.root, 'machines/c'), join(world.root, 'machines/d'))
    expect((await recordOf(world, 'd')).name).toBe('d')
    expect(await world.machine('rename', 'd', 'c')).toMatchObject({ code: 0 })
    await mkdir(join(world.root, 'machines/x'))
    await writeFile(join(world.root, 'machines/x/left'), '')
    expect((await world.machine('rename', 'c', 'x')).stderr).toContain('files of no machine')
    expect((await world.machine('ls', '-q')).stdout).toBe('b\nc\n')
    expect(world.readFile('machines/c/known_hosts')).toMatch(/^machine ssh-ed25519 /)
    await world.machine('create', '--host', '10.0.0.1', '--swarm-master', 'm')
    expect((await world.machine('rename', 'm', 'n')).stderr).toContain('its cluster knows it')
  })

  it('can get another address, where it shows the same key', async () => {
    await world.machine('create', '--host', '10.0.0.1', '--accept-new', 'a')
    expect(await world.machine('set-address', 'a', '10.0.0.2')).toMatchObject({ stdout: 'tcp://10.0.0.2:2376\n' })
    expect(world.connections.at(-1)).toMatchObject({ host: '10.0.0.2', pinned: [{ type: 'ssh-ed25519' }] })
    const before = world.connections.length
    expect(await world.machine('set-address', 'a', '10.0.0.2')).toEqual({
      code: 0,
      stdout: 'tcp://10.0.0.2:2376\n',
      stderr: 'Machine "a" is at 10.0.0.2 already: nothing was changed\n',
    })
    expect(world.connections).toHaveLength(before)
    expect((await world.machine('set-address', 'a', '-oProxyCommand=x')).code).not.toBe(0)
    expect((await world.machine('set-address', 'a', 'a b')).code).not.toBe(0)
    expect((await world.machine('ip', 'a')).stdout).toBe('10.0.0.2\n')
  })

  it('keeps its address while members look there for the store', async () => {
    await world.machine('create', '--host', '10.0.0.1', '--accept-new', '--swarm-master', 'm1')
    await world.machine('create', '--host', '10.0.0.2', '--accept-new', '--swarm', 'w1')
    expect(await world.machine('set-address', 'm1', '10.0.0.3')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('w1 would look for at its old address'),
    })
    expect(await world.machine('set-address', 'w1', '10.0.0.4')).toMatchObject({ code: 0 })
    expect(await world.machine('set-address', '-f', 'm1', '10.0.0.3')).toMatchObject({ code: 0 })
  })
})

describe('machine certs and doctor', () => {
  beforeEach(() => world.machine('create', '--host', '10.0.0.1', '--swarm', '--swarm-master', 'm1'))

  it('list what daemons show, and those that show nothing', async () => {
    world.certificates['10.0.0.1:2376'] = { subject: 'm1', issuer: 'Shoal CA', validTo: 'Jan  2 00:01:40 1970 GMT' }
    const { stdout } = await world.machine(
      'certs',
      'ls',
      '--format',
      '{{.Name}}|{{.Role}}|{{.Issuer}}|{{.Left}}|{{.Error}}',
    )
    expect(stdout).toBe('m1|engine|Shoal CA|1 days|\nm1|manager|||nobody there\n')
  })

  it('say what is wrong with which machine, and change nothing', async () => {
    await world.machine('create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'n1')
    world.answer = () => ({ code: 1, lines: [] })
    const { code, stdout } = await world.machine('doctor', '--json')
    expect(code).toBe(1)
    const found = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { machine: string; check: string; verdict: string })
    expect(found.map(({ machine, check, verdict }) => `${machine} ${check} ${verdict}`)).toEqual([
      'm1 host ok',
      'm1 engine problem',
      'n1 engine problem',
    ])
    expect(world.provisioned.at(-1)?.options.dryRun).toBe(true)
  })

  it('look no further where a host is out of reach', async () => {
    await world.machine('create', '--host', '10.0.0.2', '--access', 'ssh', 'n1')
    world.refuse = () => failed('SSH_UNREACHABLE', 'no way')
    const { code, stdout } = await world.machine('doctor', '--json', 'n1')
    expect([code, stdout]).toEqual([
      1,
      `${JSON.stringify({ machine: 'n1', check: 'connect', verdict: 'problem', message: 'no way' })}\n`,
    ])
  })

  it('look with the password of sudo where it is to be asked for', async () => {
    await world.machine('create', '--host', 'admin@10.0.0.2', 'n1')
    const well = world.finish
    const typed: string[] = []
    world.finish = async (request, options) => {
      typed.push((await options.sudoPassword?.()) ?? 'nobody')
      return well(request, options)
    }
    await world.answering('secret\n', 'doctor', '--ask-sudo-pass', 'n1')
    await world.machine('doctor', 'n1')
    expect(typed).toEqual(['secret', 'nobody'])
  })
})

it('a machine that is a master only is looked at, and pointed at, as a manager', async () => {
  const scope = new Scope()
  const sshd = await serveByHand(scope, () => {})
  const { stderr } = await world.machine('create', '--host', `root@${sshd.address}`, '--swarm-master', 'm1')
  expect(stderr).toContain('Ready (machine env --swarm m1)')
  expect(stderr).toContain('to the manager running on this machine, run: machine env --swarm m1')
  const { stdout } = await world.machine('certs', 'ls', '--format', '{{.Name}} {{.Role}}')
  expect(stdout).toBe('m1 manager\n')
  // As our manager calls itself.
  world.answer = () => ({ code: 0, lines: ['shoal/9.9.9'] })
  expect((await world.machine('doctor', '--json')).stdout).toContain('"check":"manager","verdict":"ok"')
  expect((await world.machine('ls', '--format', '{{.DockerVersion}}|{{.Error}}')).stdout).toBe('v9.9.9|\n')
  expect(world.commands.at(-1)?.words).toContain('unix:///run/shoal/manager.sock')
  world.answer = () => ({ code: 1, lines: [] })
  expect((await world.machine('ls', '--format', '{{.Error}}')).stdout).toContain('its manager does not answer')
  await scope[Symbol.asyncDispose]()
})
