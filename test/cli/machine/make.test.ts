import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { type FakeWorld, fakeWorld, HOST_KEY } from './world.ts'

let world: FakeWorld
beforeEach(() => {
  world = fakeWorld()
})
afterEach(() => world.dispose())

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
    const { settings, engine } = JSON.parse((await world.machine('inspect', 'n1')).stdout) as {
      settings: object
      engine: object
    }
    expect(settings).toMatchObject({ 'generic-ssh-port': 1, 'generic-ssh-user': 'admin' })
    expect(engine).toMatchObject({ labels: { rack: 'a' } })
  })

  it('says what is wrong and keeps nothing, with its exit code', async () => {
    const cases: readonly (readonly [string[], string])[] = [
      [['-d', 'generic', 'n1'], '--generic-ip-address, or $GENERIC_IP_ADDRESS is required'],
      [['-d', 'nosuch', 'n1'], 'Driver "nosuch" not found'],
      [['-d', 'none', '--url', 'tcp://a:1', 'under_score'], 'Invalid hostname specified'],
      [['-d', 'none', '--url', 'tcp://a:1', '--swarm', 'n1'], '--swarm needs --swarm-discovery'],
      [['-d', 'none', '--url', 'tcp://a:1', '--swarm-strategy', 'spread', 'n1'], 'is of a cluster'],
      [['-d', 'none', '--url', 'tcp://a:1', '--swarm-master', '--swarm-strategy', 'x', 'n1'], 'expected spread'],
      [['-d', 'none', '--url', 'tcp://a:1', '--engine-label', 'x', 'n1'], 'expected key=value'],
      [['-d', 'none', '--url', 'tcp://a:1', '--swarm-image', 'x', 'n1'], '"--swarm-image" is not supported'],
    ]
    for (const [argv, message] of cases) {
      const { code, stderr } = await world.machine('create', ...argv)
      expect([argv, code > 0, stderr]).toEqual([argv, true, expect.stringContaining(message)])
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

  it('removes the others where one is not there, and fails', async () => {
    const { code, stderr, stdout } = await world.machine('rm', '-y', 'n0', 'n1')
    expect({ code, stderr, stdout }).toEqual({
      code: 1,
      stderr: expect.stringContaining('Error removing machine "n0": Machine "n0" does not exist'),
      stdout: 'About to remove n0, n1\nSuccessfully removed n1\n',
    })
  })

  it('forgets with --force what cannot be read', async () => {
    const { writeFile } = await import('node:fs/promises')
    await writeFile(`${world.root}/machines/n1/machine.json`, '{')
    expect(await world.machine('rm', '-y', 'n1')).toMatchObject({ code: 1 })
    expect(await world.machine('rm', '-f', 'n1')).toMatchObject({ code: 0 })
    expect((await world.machine('ls', '-q')).stdout).toBe('')
  })
})
