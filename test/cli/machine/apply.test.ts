import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { type FakeWorld, fakeWorld } from './world.ts'

let world: FakeWorld
beforeEach(() => {
  world = fakeWorld()
})
afterEach(() => world.dispose())

async function apply(text: string, ...flags: readonly string[]) {
  const file = join(world.root, 'hosts.yaml')
  await writeFile(file, text)
  return world.machine('apply', '-f', file, ...flags)
}

const THREE = `
defaults:
  generic-ssh-user: admin
hosts:
  w1: { host: 10.0.0.2, swarm: true, engine-label: [rack=a, disk=ssd] }
  w2:
    host: root@10.0.0.3
    swarm: true
    generic-engine-port: 2377
  m1: { host: 10.0.0.1, swarm: true, swarm-master: true }
`

describe('machine apply', () => {
  it('makes the machines of a file, masters first, and changes them when the file says so', async () => {
    expect(await apply(THREE)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('3 of 3 machines are as they should be (3 changed)\n'),
    })
    expect(world.provisioned[0]?.request.machine.name).toBe('m1')
    expect(world.connections.map(({ host, user }) => `${user}@${host}`).toSorted()).toEqual([
      'admin@10.0.0.1',
      'admin@10.0.0.2',
      'admin@10.0.0.3',
    ])
    expect(world.tokens.map(({ role }) => role).toSorted()).toEqual(['client', 'node', 'node'])
    await apply(THREE.replace('rack=a', 'rack=b'))
    const { stdout } = await world.machine('inspect', '-f', '{{json .Record.engine.labels}}', 'w1')
    expect(JSON.parse(stdout)).toEqual({ rack: 'b', disk: 'ssd' })
  })

  it('says in a dry run what it would do to members of a cluster that is not there yet, and keeps nothing', async () => {
    const { code, stderr } = await apply(THREE, '--dry-run', '--accept-new')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('[w1] Would be changed (1 change); nothing was done\n'),
    })
    expect(stderr).toMatch(/\n3 machines: 3 would be changed; nothing was done\n$/)
    const planned = world.provisioned.map(
      ({ request: { machine }, options }) => `${machine.name} ${machine.swarm?.discovery} ${options.dryRun}`,
    )
    expect(planned.toSorted()).toEqual(['m1  true', 'w1 etcd://10.0.0.1:2379 true', 'w2 etcd://10.0.0.1:2379 true'])
    expect(world.tokens).toEqual([])
    expect((await world.machine('ls', '-q')).stdout).toBe('')
    expect(existsSync(join(world.root, 'machines', 'w1', 'known_hosts'))).toBe(false)
  })

  it('says in a dry run which machines wait for the address of one that is to be made', async () => {
    const { code, stderr } = await apply(
      'hosts:\n  w1: { host: 10.0.0.2, swarm: true }\n  m1: { driver: qemu, swarm-master: true }\n',
      '--dry-run',
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('[w1] Would join a cluster') })
    expect(stderr).toContain('[m1] would be created (qemu)')
    expect(stderr).toMatch(/\n2 machines: 2 would be changed; nothing was done\n$/)
  })

  it('counts a machine as changed that is known from then on, whatever it found on its host', async () => {
    const hosts = 'hosts:\n  a1: { driver: none, url: "tcp://10.0.0.1:2375" }\n'
    expect((await apply(hosts, '--dry-run')).stderr).toContain('1 machine: 1 would be changed; nothing was done\n')
    expect((await apply(hosts)).stderr).toContain('1 of 1 machines are as they should be (1 changed)\n')
    expect((await apply(hosts)).stderr).toContain('1 of 1 machines are as they should be (0 changed)\n')
  })

  it('packs nothing where it only sees whether hosts let us in', async () => {
    const hosts = 'hosts:\n  a1: { host: 10.0.0.1 }\n  a2: { host: 10.0.0.2 }\n'
    expect((await apply(hosts, '--until', 'connect')).code).toBe(0)
    expect({ connections: world.connections.length, packed: world.packed }).toEqual({ connections: 2, packed: 0 })
    await apply(hosts)
    expect(world.packed).toBeGreaterThan(0)
  })

  it('goes on with the others where one fails, and ends with its code', async () => {
    world.refuse = host => (host === '10.0.0.2' ? failed('SSH_AUTH', 'no key fits') : undefined)
    const { code, stderr } = await apply(THREE)
    expect(code).toBe(12)
    expect(stderr).toContain('[w1] Failed at connect: no key fits')
    expect(stderr).toContain('2 of 3 machines')
    expect((await apply(THREE, '--dry-run')).stderr).toMatch(
      /\n3 machines: 2 would be changed, 1 failed; nothing was done\n$/,
    )
    world.refuse = undefined
    const well = world.finish
    world.finish = async (request, options) => ({ ...(await well(request, options)), planned: 0 })
    expect((await apply(THREE, '--dry-run')).stderr).toMatch(
      /\[m1\] Is as it should be[^]*\n3 machines: 3 as it should be; nothing was done\n$/,
    )
  })

  it('says with line and column all that is wrong, and does nothing', async () => {
    const { code, stderr } = await apply(
      'defaults: 5\nhosts:\n  n1:\n    hots: 10.0.0.1\n  n2: { swarm: perhaps, engine-label: rack=a, generic-ssh-port: [1] }\nmore: 1\n',
    )
    expect(code).toBe(1)
    const lines = stderr
      .split('\n')
      .flatMap(line => /hosts\.yaml:(\d+:\d+: [^:]*): (.*)/.exec(line)?.slice(1).join('|') ?? [])
    expect(lines).toEqual([
      '1:1: defaults|expected a mapping',
      '4:5: hosts.n1.hots|there is no such flag of `machine create`',
      '5:9: hosts.n2.swarm|expected true or false',
      '5:25: hosts.n2.engine-label|expected a list of texts',
      '5:47: hosts.n2.generic-ssh-port|expected a text or a number',
      '6:1: more|there is no such key: expected hosts, defaults',
    ])
    expect(world.provisioned).toEqual([])
  })

  it.each([
    ['hosts: {}\n', 'no machines'],
    ['', 'is empty'],
    ['hosts:\n  n1: [\n', 'Cannot read YAML'],
    ['hosts:\n  "../up": { host: 10.0.0.1 }\n', 'Invalid hostname specified'],
  ])('refuses %j', async (text, message) => {
    expect((await apply(text)).stderr).toContain(message)
    expect((await world.machine('ls', '-q')).stdout).toBe('')
  })
})
