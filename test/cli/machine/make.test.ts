import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { type FakeWorld, fakeWorld, HOST_KEY, recordOf } from './world.ts'

let world: FakeWorld
beforeEach(() => {
  world = fakeWorld()
})
afterEach(() => world.dispose())

/** As provisioning leaves it. */
const PROVISIONED = JSON.stringify({ startedAtMs: 0, steps: { join: { status: 'done', startedAtMs: 0 } }, undo: [] })
const GENERIC = ['-d', 'generic', '--generic-ip-address', '127.0.0.1', '--generic-ssh-port', '1']

describe('machine create', () => {
  it('keeps a machine that is only a URL', async () => {
    const { code, stderr } = await world.machine('create', '-d', 'none', '--url', 'tcp://10.0.0.5:2376', 'n1')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('run: machine env n1'),
    })
    expect(await world.machine('ls', '-q')).toMatchObject({ stdout: 'n1\n' })
    expect(world.connections).toEqual([])
  })

  it('connects to a host and pins the key that it shows', async () => {
    const { code } = await world.machine('create', ...GENERIC, '--accept-new', 'n1')
    expect(code).toBe(0)
    expect(world.connections).toMatchObject([{ host: '127.0.0.1', port: 1, user: 'root', acceptNew: true, pinned: [] }])
    expect(world.readFile('machines/n1/known_hosts')).toBe(`machine ${HOST_KEY}\n`)
  })

  it('takes --host for the flags that it stands for', async () => {
    await world.machine('create', '--host', 'admin@127.0.0.1:2222', 'n1')
    expect(world.connections).toMatchObject([{ host: '127.0.0.1', port: 2222, user: 'admin' }])
  })

  it('changes only what is said where the machine is there already', async () => {
    await world.machine('create', ...GENERIC, '--engine-label', 'rack=a', 'n1')
    await world.withEnv({ GENERIC_SSH_USER: 'somebody' }, 'create', '--generic-ssh-user', 'admin', 'n1')
    const { settings, engine } = await recordOf(world, 'n1')
    expect(settings).toMatchObject({ 'generic-ssh-port': 1, 'generic-ssh-user': 'admin' })
    expect(engine).toMatchObject({ labels: { rack: 'a' } })
  })

  it('says what is wrong and keeps nothing, with its exit code', async () => {
    const cases: readonly (readonly [string[], string])[] = [
      [['-d', 'generic', 'n1'], '--generic-ip-address, or $GENERIC_IP_ADDRESS is required'],
      [['-d', 'nosuch', 'n1'], 'Driver "nosuch" not found'],
      [['n1'], '--host says it'],
      [['root@10.0.0.1'], 'machine create --host root@10.0.0.1 n1'],
      [['--host', '10.0.0.1:ssh', 'n1'], 'invalid argument "10.0.0.1:ssh" for --host: expected [user@]host[:port]'],
      [['-d', 'none', '--url', 'tcp://a:1', 'under_score'], 'Invalid hostname specified'],
      [['-d', 'none', '--url', 'tcp://a:1', '--swarm', 'n1'], 'Which cluster is it to join?'],
      [['-d', 'none', '--url', 'tcp://a:1', '--swarm-strategy', 'spread', 'n1'], 'is of a cluster'],
      [['-d', 'none', '--url', 'tcp://a:1', '--swarm-master', '--swarm-strategy', 'x', 'n1'], 'expected spread'],
      [['-d', 'none', '--url', 'tcp://a:1', '--engine-label', 'x', 'n1'], 'expected key=value'],
      [['-d', 'none', '--url', 'tcp://a:1', '--swarm-image', 'x', 'n1'], '"--swarm-image" is not supported'],
    ]
    for (const [argv, message] of cases) {
      const { code, stderr } = await world.machine('create', ...argv)
      // Which clusters there are, and what docker-machine could do, is no matter of how it was typed.
      const wanted = /^Which cluster|not supported$/.test(message) ? 1 : 2
      expect([argv, code, stderr]).toEqual([argv, wanted, expect.stringContaining(message)])
    }
    expect((await world.machine('ls', '-q')).stdout).toBe('')
  })

  it('refuses another driver for a machine that is there', async () => {
    await world.machine('create', '-d', 'none', '--url', 'tcp://10.0.0.5:2376', 'n1')
    const { code, stderr } = await world.machine('create', ...GENERIC, 'n1')
    expect([code, stderr]).toEqual([1, expect.stringContaining('"n1" already exists')])
  })

  it.each([
    ['SSH_UNREACHABLE', 10],
    ['SSH_HOST_KEY', 11],
    ['SSH_AUTH', 12],
  ])('ends with the code of what went wrong: %s', async (error, code) => {
    world.refuse = () => failed(error, 'why')
    expect(await world.machine('create', ...GENERIC, 'n1')).toMatchObject({
      code,
      stderr: expect.stringContaining('why'),
    })
  })

  it('keeps nothing with --dry-run', async () => {
    const { code, stderr } = await world.machine('create', '-d', 'none', '--url', 'tcp://a:1', '--dry-run', 'n1')
    expect([code, stderr]).toEqual([0, expect.stringContaining('[n1] would be created (none)')])
    expect((await world.machine('ls', '-q')).stdout).toBe('')
  })

  it('tells a program in lines of JSON', async () => {
    const { stdout } = await world.machine('create', '-d', 'none', '--url', 'tcp://a:1', '--json', 'n1')
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as object)
    expect(lines.at(-1)).toMatchObject({ machine: 'n1', event: 'done' })
  })
})

describe('machine rm', () => {
  beforeEach(() => world.machine('create', '-d', 'none', '--url', 'tcp://10.0.0.5:2376', 'n1'))

  it('asks, and does nothing without a yes', async () => {
    const { code, stdout } = await world.answering('n\n', 'rm', 'n1')
    expect([code, stdout]).toEqual([0, expect.stringContaining('Are you sure? (y/n): ')])
    expect((await world.machine('ls', '-q')).stdout).toBe('n1\n')
    expect(await world.answering('y\n', 'rm', 'n1')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Successfully removed n1'),
    })
    expect((await world.machine('ls', '-q')).stdout).toBe('')
  })

  it('asks nothing about what is not there', async () => {
    expect(await world.machine('rm', 'n0')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Machine "n0" does not exist'),
    })
  })

  it('removes the others where one is not there, and fails', async () => {
    const { code, stderr, stdout } = await world.machine('rm', '-y', 'n0', 'n1')
    expect({ code, stderr, stdout }).toEqual({
      code: 1,
      stderr: expect.stringContaining('Error removing machine "n0": Machine "n0" does not exist'),
      stdout: 'About to remove n0, n1\nSuccessfully removed n1\n',
    })
  })

  it('has Shoal leave the host and the cluster first, and goes on with --force where that fails', async () => {
    await world.machine('create', '--host', '10.0.0.1', '--swarm', '--swarm-master', 'm1')
    await world.machine('create', '--host', '10.0.0.2', '--swarm', 'w1')
    for (const name of ['m1', 'w1']) await writeFile(join(world.root, 'machines', name, 'provision.json'), PROVISIONED)
    expect(await world.machine('rm', '-y', '--data', 'w1')).toMatchObject({ code: 0 })
    expect(world.cleaned).toMatchObject([{ data: true, request: { machine: { name: 'w1' } } }])
    expect(world.cleaned[0]?.request.membership).toBeDefined()
    world.refuse = () => failed('SSH_UNREACHABLE', 'no way')
    expect(await world.machine('rm', '-y', 'm1')).toMatchObject({ code: 1, stderr: expect.stringContaining('no way') })
    expect(await world.machine('rm', '-f', 'm1')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Shoal may be left on it: no way'),
    })
    expect((await world.machine('ls', '-q')).stdout).toBe('n1\n')
  })

  it('tells the cluster of a dead machine that it is gone', async () => {
    await world.machine('create', '--host', '10.0.0.1', '--swarm', '--swarm-master', 'm1')
    await world.machine('create', '--host', '10.0.0.2', '--swarm', 'w1')
    await writeFile(join(world.root, 'machines', 'w1', 'provision.json'), PROVISIONED)
    world.refuse = host => (host === '10.0.0.2' ? failed('SSH_UNREACHABLE', 'no way') : undefined)
    expect(await world.machine('rm', '-f', 'w1')).toMatchObject({ code: 0 })
    expect(world.commands.at(-1)).toMatchObject({ host: '10.0.0.1', words: expect.arrayContaining(['rm', 'w1']) })
  })

  it('forgets with --force what cannot be read', async () => {
    await writeFile(`${world.root}/machines/n1/machine.json`, '{')
    expect(await world.machine('rm', '-y', 'n1')).toMatchObject({ code: 1 })
    expect(await world.machine('rm', '-f', 'n1')).toMatchObject({ code: 0 })
    expect((await world.machine('ls', '-q')).stdout).toBe('')
  })
})

describe('clusters', () => {
  const master = () => world.machine('create', '--host', '10.0.0.1', '--swarm', '--swarm-master', 'm1')

  it('have a master that keeps the store, and members that get a token of its manager', async () => {
    expect(await master()).toMatchObject({ code: 0 })
    expect(world.provisioned[0]?.request.trust).toEqual({ managers: ['10.0.0.1:3376'] })
    expect(await world.machine('create', '--host', '10.0.0.2', '--swarm', 'w1')).toMatchObject({ code: 0 })
    expect(world.tokens.filter(({ role }) => role !== 'client')).toEqual([{ role: 'node', master: 'm1' }])
    expect(world.provisioned[1]?.request).toMatchObject({
      trust: { managers: ['10.0.0.1:3376'], newToken: expect.any(Function) },
      machine: { swarm: { discovery: 'etcd://10.0.0.1:2379', master: false, agent: true } },
    })
    await world.machine('create', '--host', '10.0.0.3', '--swarm-master', 'm2')
    expect(world.tokens.at(-1)).toEqual({ role: 'manager', master: 'm1' })
  })

  it('are without certificates only where that is said, and then for all members', async () => {
    await world.machine('create', '--host', '10.0.0.1', '--swarm', '--swarm-master', '--insecure', 'm1')
    await world.machine('create', '--host', '10.0.0.2', '--swarm', 'w1')
    expect(world.provisioned.map(({ request }) => request.trust)).toEqual([undefined, undefined])
    expect(await recordOf(world, 'w1')).toMatchObject({ swarm: { insecure: true } })
    const foreign = ['create', '--host', '10.0.0.4', '--swarm', '--swarm-discovery', 'etcd://10.9.9.9:2379']
    expect((await world.machine(...foreign, 'w2')).stderr).toContain('add --insecure')
    expect(await world.machine(...foreign, '--insecure', 'w2')).toMatchObject({ code: 0 })
  })

  it('cannot be guessed where there are none, or several', async () => {
    const join = ['create', '--host', '10.0.0.2', '--swarm', 'w1']
    expect((await world.machine(...join)).stderr).toContain('no machine here keeps one')
    await master()
    await world.machine('create', '--host', '10.0.0.5', '--swarm-master', '--swarm-discovery', 'machine://m2', 'm2')
    expect((await world.machine(...join)).stderr).toContain('there are several (m1, m2)')
    const third = await world.machine('create', '--host', '10.0.0.6', '--swarm-master', 'm3')
    expect(third.stderr).toContain('machine://m3 for a new one')
  })

  it('are told by their manager what a machine may run', async () => {
    await master()
    await world.machine('create', '--host', 'admin@10.0.0.2', '--swarm', 'w1')
    world.answer = (_host, words) =>
      words.includes('drain') ? { code: 3, lines: ['web  stays'] } : { code: 0, lines: [] }
    expect(await world.machine('cordon', 'w1')).toMatchObject({ code: 0, stdout: '"w1" gets nothing new\n' })
    expect(world.commands.at(-1)).toEqual({
      host: '10.0.0.1',
      words: [
        'sh',
        '-c',
        'exec "$@"',
        'shoal',
        '/opt/shoal/current/bin/swarm',
        'node',
        'update',
        '-H',
        'unix:///run/shoal/manager.sock',
        '--availability',
        'pause',
        'w1',
      ],
    })
    expect(await world.machine('drain', 'w1')).toMatchObject({ code: 3, stderr: expect.stringContaining('web  stays') })
    expect(await world.machine('uncordon', 'w1')).toMatchObject({ code: 0 })
    expect((await world.machine('drain', '--dry-run', 'w1')).stdout).toBe('Would move all tasks away from "w1"\n')
    await world.machine('create', '-d', 'none', '--url', 'tcp://a:1', 'n1')
    expect((await world.machine('drain', 'n1')).stderr).toContain('is in no cluster')
  })

  it('are brought to a version one machine after another, up to the first that fails', async () => {
    await master()
    for (const name of ['w1', 'w2', 'w3'])
      await world.machine('create', '--host', `10.1.0.${name.slice(1)}`, '--swarm', name)
    const well = world.finish
    world.finish = (request, options) => {
      const { machine } = request
      if (machine.name !== 'w2') return well(request, options)
      return well({ ...request, connect: () => Promise.reject(failed('SSH_UNREACHABLE', 'no way')) }, options)
    }
    const { code, stderr } = await world.machine('upgrade', 'w1', 'w2', 'w3')
    expect(code).toBe(10)
    expect(stderr).toContain('not upgraded: w3')
    expect(world.upgraded.map(({ request, options }) => [request.machine.name, options.drain])).toEqual([
      ['w1', true],
      ['w2', true],
    ])
    expect(world.upgraded[0]?.request.membership).toBeDefined()
  })

  it('say of all what an upgrade would do, and upgrade all only when told', async () => {
    await master()
    await world.machine('create', '-d', 'none', '--url', 'tcp://10.0.0.9:2376', 'url')
    await world.machine('create', '--host', '10.0.0.2', 'w1')
    const upgraded = () =>
      world.upgraded.splice(0).map(({ request, options }) => [request.machine.name, options.dryRun])
    expect(await world.machine('upgrade')).toMatchObject({ code: 2 })
    expect(await world.machine('upgrade', '--all', 'w1')).toMatchObject({ code: 2 })
    expect(upgraded()).toEqual([])
    await world.machine('upgrade', '--dry-run')
    expect(upgraded()).toEqual([
      ['m1', true],
      ['w1', true],
    ])
    await world.machine('upgrade', '--all')
    expect(upgraded()).toEqual([
      ['m1', false],
      ['w1', false],
    ])
    world.refuse = host => (host === '10.0.0.1' ? failed('SSH_UNREACHABLE', 'no way') : undefined)
    expect((await world.machine('upgrade', '--dry-run')).code).toBe(10)
    expect(upgraded()).toHaveLength(2)
    expect(await world.machine('upgrade', '--all')).toMatchObject({
      code: 10,
      stderr: expect.stringContaining('Stopped there; not upgraded: w1'),
    })
    expect(upgraded()).toHaveLength(1)
  })
})

it.each([
  [['--native-ssh'], '"--native-ssh" is not supported: which client'],
  [['--bugsnag-api-token', 'x'], 'nothing is reported'],
])("refuses docker-machine's %j by name", async (flags, message) => {
  expect(await world.machine(...flags, 'ls')).toMatchObject({ code: 1, stderr: expect.stringContaining(message) })
})
