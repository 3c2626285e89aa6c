import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../../scripts/lib/command.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { authorityCodec } from '../../../src/manager/index.ts'
import { createCertificateMaker, readCertificate } from '../../../src/trust/index.ts'
import { type MachineCli, machineCli } from '../../support/machine-cli.ts'
import { SshHosts } from '../../support/ssh-hosts.ts'

const SUBNET = '10.236.3'
const ADDRESSES = {
  m1: `${SUBNET}.11`,
  m2: `${SUBNET}.12`,
  w1: `${SUBNET}.13`,
  m3: `${SUBNET}.14`,
  w2: `${SUBNET}.15`,
} as const
type Name = keyof typeof ADDRESSES

let hosts: SshHosts
let machine: MachineCli

beforeAll(async () => {
  hosts = await SshHosts.open('sh-mgr', SUBNET)
  machine = machineCli(join(hosts.directory, 'store'))
  for (const [name, address] of Object.entries(ADDRESSES)) await hosts.start(name, address)
})

afterAll(() => hosts.close())

function create(name: Name, ...flags: readonly string[]) {
  const engine = ['--engine-opt', `cgroup-parent=${hosts.hosts.cgroupParent(name)}`]
  const access = ['--host', ADDRESSES[name], '--generic-ssh-key', hosts.keyPath, '--accept-new']
  return machine(['create', ...access, ...engine, ...flags, name])
}

const swarm = (host: Name, words: string): Promise<string> =>
  hosts.run(host, `/opt/shoal/current/bin/swarm ${words} -H unix:///run/shoal/manager.sock`)

const nodes = (host: Name): Promise<string> => swarm(host, "node ls --format '{{.Name}} {{.Health}}'")

async function roleOf(host: Name): Promise<string | undefined> {
  const ask = 'docker -H unix:///run/shoal/manager.sock info --format "{{json .SystemStatus}}"'
  const { Role } = Object.fromEntries(JSON.parse(await hosts.run(host, ask))) as { Role?: string }
  return Role
}

/** Whether a host is held healthy, and who leads, rests on leases of some seconds, which a busy host may miss for a moment. */
async function untilHealthy(...names: readonly string[]): Promise<void> {
  const all = names.map(name => `${name} healthy\n`).join('')
  await until('all nodes are healthy', async () => ((await nodes('m2')) === all ? true : undefined))
}

async function untilOneLeads(): Promise<void> {
  await until('one manager leads, and the other follows', async () => {
    const roles = new Set([await roleOf('m1'), await roleOf('m2')])
    return roles.has('primary') && roles.has('replica') ? true : undefined
  })
}

/** As it is on a host that was off for longer than its certificate held: its daemon starts, and nobody lets it in. */
async function expire(host: Name, daemon: 'agent' | 'manager'): Promise<void> {
  const lib = (name: Name): string => join(hosts.hosts.dataDirectory(name), 'lib')
  const identity = join(lib(host), daemon, 'identity')
  const { authorities } = authorityCodec.decode(readFileSync(join(lib('m1'), 'trust/authority.json'), 'utf8'))
  const [authority] = authorities
  const { subject, hosts: names } = readCertificate(readFileSync(join(identity, 'cert.pem'), 'utf8'))
  if (authority === undefined || subject === undefined) throw new Error(`${host} has no ${daemon}`)
  const maker = createCertificateMaker(systemRandom)
  const key = readFileSync(join(identity, 'key.pem'), 'utf8')
  const { csr } = await maker.request({ ...subject, hosts: names, key })
  const life = { fromMs: Date.now() - 2 * DAY_MS, untilMs: Date.now() - DAY_MS }
  writeFileSync(join(identity, 'cert.pem'), await maker.sign({ csr, authority, subject, hosts: names, life }))
  await hosts.run(host, `/opt/shoal/supervise stop ${daemon}; /opt/shoal/supervise start ${daemon}`)
}

const DAY_MS = 86_400_000

it('has a second manager join the first by itself, and says of a member what its firewall keeps out', async () => {
  expect(await create('m1', '--swarm', '--swarm-master')).toMatchObject({ code: 0 })
  expect(await create('m2', '--swarm-master')).toMatchObject({ code: 0 })
  await hosts.run('w1', 'nft "add table inet shut; add chain inet shut in { type filter hook input priority 0; }"')
  await hosts.run('w1', 'nft add rule inet shut in udp dport 4789 drop')
  const member = await create('w1', '--swarm')
  expect(member.code, member.stderr).toBe(0)
  expect(member.stderr.match(/warning: Nothing comes through .*/g)).toEqual([
    expect.stringMatching(/from "m1" to "w1" on 4789\/udp, so/),
  ])
  await untilHealthy('m1', 'w1')
  await untilOneLeads()
  await until('the second manager keeps a copy of the store', async () =>
    (await hosts.run('m2', 'ls /var/lib/shoal/etcd 2>/dev/null || true')).includes('member') ? true : undefined,
  )
  const again = await machine(['provision', 'm1', 'm2', 'w1'])
  expect(again.stderr.match(/Ready, nothing was to be done/g)).toHaveLength(3)
})

it.each([
  ['w1', 'agent'],
  ['m2', 'manager'],
] as const)('lets %s in again whose certificate has expired, past a token that is spent', async (host, daemon) => {
  await expire(host, daemon)
  const token = await swarm('m1', 'token create')
  await hosts.run(host, `echo ${token.trim().replace(/[0-9a-f]{64}$/, '0'.repeat(64))} > /etc/shoal/join-token`)
  const before = await swarm('m1', 'token ls -q')
  const line = `certs: bring a join token, as the certificate of the ${daemon} has expired`
  expect(await machine(['provision', '--dry-run', host])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(line),
  })
  expect(await swarm('m1', 'token ls -q')).toBe(before)
  const { code, stderr } = await machine(['provision', host])
  expect(code, stderr).toBe(0)
  expect(stderr).toContain(line)
  expect(await hosts.run(host, 'ls /etc/shoal')).not.toContain('join-token')
  expect(await machine(['provision', host])).toMatchObject({
    stderr: expect.stringContaining('nothing was to be done'),
  })
  await untilHealthy('m1', 'w1')
})

it('is led by the second manager once the first is gone', async () => {
  // The store that it keeps goes on without it.
  for (const pid of [...hosts.pids('m1', /supervise run manager/), ...hosts.pids('m1', /swarm manage/)]) {
    process.kill(pid, 'SIGKILL')
  }
  await until('the second manager leads', async () => ((await roleOf('m2')) === 'primary' ? true : undefined))
  await untilHealthy('m1', 'w1')
  expect(await machine(['provision', 'm1'])).toMatchObject({ code: 0 })
  await untilOneLeads()
})

/** What a member has on its disk of where the store answers. */
function knownStores(host: Name): readonly string[] {
  const path = join(hosts.hosts.dataDirectory(host), 'lib/agent/identity/identity.json')
  return (JSON.parse(readFileSync(path, 'utf8')) as { storeEndpoints: string[] }).storeEndpoints
}

it('goes on without the first of three managers, which is lost for good, and takes it out', async () => {
  expect(await create('m3', '--swarm-master')).toMatchObject({ code: 0 })
  await until('three vote', async () => (knownStores('w1').length === 3 ? true : undefined))
  await hosts.hosts.kill('m1')
  const drained = await until('another leads', async () => {
    const ended = await machine(['drain', 'w1'])
    return ended.code === 0 ? ended : undefined
  })
  expect(drained.stdout).toBe('"w1" is empty\n')
  expect(await machine(['uncordon', 'w1'])).toMatchObject({ code: 0 })
  const member = await create('w2', '--swarm')
  expect(member.code, member.stderr).toBe(0)
  expect(await machine(['rm', '-y', 'm1'])).toMatchObject({ code: 1 })
  const removed = await machine(['rm', '--force', 'm1'])
  expect(removed).toMatchObject({ code: 0, stderr: expect.not.stringContaining('could not be told') })
  await untilHealthy('w1', 'w2')
  expect(await swarm('m2', 'cert ls')).not.toContain('m1')
  await until('two keep the store', async () => (knownStores('w1').length === 2 ? true : undefined))
})

it('has one of two managers left when the other is removed', async () => {
  const removed = await machine(['rm', '-y', 'm3'])
  expect(removed.code, removed.stderr).toBe(0)
  expect(await swarm('m2', 'cert ls')).not.toContain('m3')
  await until('one keeps the store', async () => (knownStores('w1').length === 1 ? true : undefined))
  expect(await machine(['drain', 'w1'])).toMatchObject({ code: 0 })
})
