import { X509Certificate } from 'node:crypto'
import { cp, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { command } from '../../../scripts/lib/command.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { createEtcdStore } from '../../../src/discovery/index.ts'
import { createDockerClient } from '../../../src/docker-api/index.ts'
import { peerCertificate } from '../../../src/main/machine/peer-certificate.ts'
import { askToLeave, askToRenew, tellTrusts } from '../../../src/main/trust/ask-managers.ts'
import { obtainIdentity } from '../../../src/main/trust/obtain-identity.ts'
import { factsOf } from '../../../src/trust/certificate.ts'
import { createCertificateMaker, LiveIdentity } from '../../../src/trust/index.ts'
import { until } from '../manager/support.ts'
import { TrustLab } from './lab.ts'

const lab = new TrustLab()

beforeAll(async () => {
  await lab.open()
  const token = await lab.swarm('token', 'create')
  for (const name of ['n1', 'n2']) lab.startAgent(name, ['--token', token])
  await nodesAre('n1 healthy, n2 healthy')
})
afterAll(() => lab.close())

async function nodesAre(wanted: string): Promise<void> {
  await until(
    wanted,
    async () => {
      const listed = await lab.swarm('node', 'ls', '--format', '{{.Name}} {{.Health}}')
      return listed.split('\n').join(', ') === wanted
    },
    90_000,
  )
}

/** What one member answers to whoever has the certificate in a directory. */
async function ask(address: string, identity: string): Promise<unknown> {
  const read = (file: string) => readFile(join(identity, file))
  const tls = { ca: await read('ca.pem'), cert: await read('cert.pem'), key: await read('key.pem'), verify: false }
  const client = createDockerClient(`tcp://${address}`, { clock: systemClock, tls })
  try {
    return (await client.version()).Version
  } catch (error) {
    return (error as Error).message
  } finally {
    client.close()
  }
}

const identity = (name: string) => join(lab.data(name), name === 'm' ? 'manager/identity' : 'agent/identity')

function etcdctl(who: string, ...args: readonly string[]): Promise<string> {
  const { endpoint } = JSON.parse(etcdOf) as { endpoint: string }
  const files = [
    `--cacert=${identity(who)}/ca.pem`,
    `--cert=${identity(who)}/cert.pem`,
    `--key=${identity(who)}/key.pem`,
  ]
  const env = { PATH: process.env['PATH'], ETCDCTL_API: '3' }
  return command(['etcdctl', `--endpoints=https://${endpoint}`, ...files, ...args], { env, timeoutMs: 30_000 })
}
let etcdOf = ''
beforeAll(async () => void (etcdOf = await readFile(join(lab.data('m'), 'etcd.json'), 'utf8')))

it('keeps keys where only their owners read them', async () => {
  for (const name of ['m', 'n1']) {
    expect((await stat(identity(name))).mode & 0o777).toBe(0o700)
    expect((await stat(join(identity(name), 'key.pem'))).mode & 0o777).toBe(0o600)
  }
  expect((await stat(join(lab.data('m'), 'trust/authority.json'))).mode & 0o777).toBe(0o600)
})

it('lets people use the manager with docker, and no node behind its back', async () => {
  const ann = await lab.person('ann')
  expect(await lab.docker(ann, ['info', '--format', '{{.ServerVersion}}'])).toMatch(/^shoal/)
  expect(await ask(lab.address('n1'), ann)).toContain('ann is a client, which may not ask this of a node')
  expect(await ask(lab.address('n1'), identity('n2'))).toContain('n2 is a node, which may not')
  expect(await ask(lab.manager, identity('n2'))).toContain('n2 is a node, which may not')
  expect(await ask(lab.address('n1'), identity('m'))).toMatch(/^\d/)
})

it('lets a node write no more of the store than its own', async () => {
  const key = (path: string) => `/shoal/default/${path}`
  expect(await etcdctl('n1', 'put', key('status/n1/t1'), '{}')).toContain('OK')
  expect(await etcdctl('n1', 'del', key('status/n1/t1'))).toContain('1')
  for (const path of ['status/n2/t1', 'members/n2', 'nodes/n1', 'tasks/n1/t1', 'meta', 'trust/public/authorities']) {
    await expect(etcdctl('n1', 'put', key(path), '{}')).rejects.toThrow('permission denied')
  }
  for (const path of ['trust/authority', 'trust/tokens/x', 'tasks/n2/t1', 'projects/p']) {
    await expect(etcdctl('n1', 'get', key(path))).rejects.toThrow('permission denied')
  }
})

const maker = createCertificateMaker(systemRandom)

/** How often the store was brought to forget who is connected to it: where connections cannot be ended it is started anew. */
const timesHungUp = () =>
  [...lab.output('m').matchAll(/ended every connection to the embedded store|started the embedded store anew/g)].length

function askingAs(member: LiveIdentity) {
  const tls = member.dial({ role: 'manager' })
  return { managers: [lab.manager], clock: systemClock, signal: AbortSignal.timeout(60_000), tls }
}

/** A node of which there is only the certificate. */
async function joinAs(name: string, directory: string) {
  const token = await lab.swarm('token', 'create')
  const wish = { directory, name, role: 'node' as const, hosts: [], token, managers: [lab.manager] }
  return obtainIdentity(wish, { clock: systemClock, maker, signal: AbortSignal.timeout(60_000) })
}

it.each([
  {
    what: 'taken back',
    name: 'n7',
    async end() {
      const before = timesHungUp()
      // It is waited for.
      expect(await lab.swarm('cert', 'revoke', 'n7')).toBe('n7')
      expect(timesHungUp()).toBe(before + 1)
    },
  },
  // Which whoever stole it can do.
  { what: 'given back', name: 'n9', end: async (thief: LiveIdentity) => askToLeave(askingAs(thief)) },
])('lets nobody into the store with what was $what, though another has the name now', async ({ name, end }) => {
  // Both have the name, one after the other.
  const { credentials } = await joinAs(name, identity(`${name}-thief`))
  const thief = new LiveIdentity(credentials)
  const { endpoint } = JSON.parse(etcdOf) as { endpoint: string }
  const connected = createEtcdStore({
    endpoints: [endpoint],
    clock: systemClock,
    tls: thief.own(),
  })
  try {
    expect(await connected.get('/shoal/default/meta')).toBeDefined()
    const before = timesHungUp()
    await end(thief)
    // Refused is what is connected before that already, since its user is gone: whoever has the name next brings the user back.
    await until('the store to hang up', async () => timesHungUp() > before, 90_000)
    await joinAs(name, identity(name))
    await expect(connected.get('/shoal/default/meta')).rejects.toThrow()
    await expect(etcdctl(`${name}-thief`, 'get', '/shoal/default/meta')).rejects.toThrow()
    expect(await etcdctl(name, 'get', '/shoal/default/meta')).toContain('clusterId')
  } finally {
    await connected.close()
  }
  await lab.swarm('cert', 'revoke', name)
  await nodesAre('n1 healthy, n2 healthy')
})

/** SHA-256 of the key for which a certificate is shown at an address. */
async function keyShownAt(address: string): Promise<string> {
  const [host = '', port = ''] = address.split(':')
  const { raw } = await peerCertificate(host, Number(port), { clock: systemClock, signal: AbortSignal.timeout(10_000) })
  return factsOf(new X509Certificate(raw)).keyDigest
}

it('has managers and nodes make other keys while they run, and takes back what was of the old ones', async () => {
  const places = { n1: lab.address('n1'), m: lab.manager }
  const shown = async () => Promise.all(Object.values(places).map(keyShownAt))
  const before = await shown()
  await cp(identity('n1'), identity('n6'), { recursive: true })
  expect(await lab.swarm('cert', 'renew', '--revoke-old', 'n1', 'm')).toBe('n1\nm')
  const after = await shown()
  expect(new Set([...before, ...after])).toHaveLength(4)
  // Of the store too, which is hung up on for it.
  expect(await etcdctl('n1', 'get', '/shoal/default/meta')).toContain('clusterId')
  await until('the copy to be refused by the store', async () => {
    const copied = etcdctl('n6', 'get', '/shoal/default/meta')
    return copied.then(() => false, String)
  })
  const asked = ask(lab.manager, identity('n6'))
  expect(await asked).toContain('the certificate of n1 was revoked')
  await nodesAre('n1 healthy, n2 healthy')
  const key = (name: string) => readFile(join(identity(name), 'key.pem'), 'utf8')
  expect(await key('n1')).not.toBe(await key('n6'))
  // What is started anew finds its way with it.
  await lab.stop('n1')
  lab.startAgent('n1', [])
  await nodesAre('n1 healthy, n2 healthy')
  expect(await shown()).toEqual(after)
})

it('says so to people who take back their own', async () => {
  const tim = await lab.person('tim')
  const said = await lab.run(['cert', 'revoke', 'tim', ...lab.shown(tim)])
  expect(said.trim()).toBe('tim')
  await expect(lab.docker(tim, ['info'])).rejects.toThrow('the certificate of tim was revoked')
})

it('refuses a host whose token is spent, is of another cluster, or names a living node', async () => {
  const once = await lab.swarm('token', 'create', '--role', 'client', '--once')
  const asking = (name: string, token: string) =>
    lab.run(['client-cert', name, '--token', token, '--manager', lab.manager, '--out', lab.data(name)])
  await asking('bob', once)
  await expect(asking('eve', once)).rejects.toThrow('it was for one use, and has been used')
  await expect(asking('eve', once.replace(/-[0-9a-f]{64}-/, `-${'0'.repeat(64)}-`))).rejects.toThrow(
    'does not belong to the cluster that the join token is for',
  )
  const token = await lab.swarm('token', 'create', '--role', 'client')
  await expect(asking('n1', token)).rejects.toThrow('The name n1 belongs to a node with a valid certificate')
})

interface Authority {
  readonly step: string
  readonly waitsFor: readonly string[]
  readonly authorities: readonly { readonly digest: string; readonly signs: boolean }[]
}

const authority = async () => JSON.parse(await lab.swarm('ca', 'show', '--format', 'json')) as Authority

/** It starts the command line more than thirty times. */
const MANY_COMMANDS_MS = 600_000

it('lets everybody work on with two authorities at once', { timeout: MANY_COMMANDS_MS }, async () => {
  // Holds the change up at each step, until it has done what agents do by themselves.
  const slow = await joinAs('n8', identity('n8'))
  const live = new LiveIdentity(slow.credentials)
  const tell = async (trusts: readonly string[]) => tellTrusts(trusts, askingAs(live))
  const people = [await lab.person('ida'), await lab.person('joe')]
  const renewAll = async () => {
    for (const directory of people)
      await lab.run(['client-cert', basename(directory), '--manager', lab.manager, '--out', directory])
  }
  const everybodyWorks = async (): Promise<void> => {
    await nodesAre('n1 healthy, n2 healthy')
    for (const each of people)
      expect(await lab.docker(each, ['info', '--format', '{{.ServerVersion}}'])).toMatch(/^shoal/)
    expect(await ask(lab.address('n1'), identity('m'))).toMatch(/^\d/)
  }
  const waitsForItAlone = async (step: string) =>
    until(step, async () => {
      const view = await authority()
      return view.step === step && view.waitsFor.join() === 'n8' && view
    })
  await lab.swarm('ca', 'rotate')
  const { authorities } = await waitsForItAlone('introducing')
  expect(authorities.map(({ signs }) => signs)).toEqual([true, false])
  await everybodyWorks()
  await renewAll()
  people.push(await lab.person('kim'))
  await everybodyWorks()

  live.replace({ ...slow.credentials, authorities: await lab.swarm('ca', 'show') })
  const digests = authorities.map(({ digest }) => digest)
  await tell(digests)
  await waitsForItAlone('renewing')
  await everybodyWorks()
  await renewAll()
  people.push(await lab.person('lea'))

  const { csr } = await maker.request({ name: 'n8', role: 'node', hosts: [], key: slow.credentials.key })
  const { certificate } = await askToRenew(csr, askingAs(live))
  live.replace({ ...live.credentials, certificate })
  // The manager starts its store anew for the end of it, which the answer may not survive.
  await until('the last one', async () => tell(digests).then(() => true))
  const isOver = async () => lab.output('m').split('trusts other authorities now').length >= 3
  await until('the end', isOver)
  expect(await authority()).toMatchObject({ step: 'steady' })
  await everybodyWorks()
  await lab.swarm('cert', 'revoke', 'n8')
})

it('changes its authority while it runs, and knows its nodes all along', async () => {
  const [before, caller] = [await lab.person('cat'), await lab.person('tom')]
  const digest = (await lab.run(['ca', 'rotate', '--wait', '--timeout', '2m', ...lab.shown(caller)])).trim()
  // Its store is started anew, and away for a moment.
  const alone = await until('the new authority', async () => authority())
  expect(alone).toMatchObject({ step: 'steady', authorities: [{ digest, signs: true }] })
  await nodesAre('n1 healthy, n2 healthy')
  await expect(lab.docker(before, ['info'])).rejects.toThrow(/certificate/)
  expect(await lab.docker(caller, ['info', '--format', '{{.ServerVersion}}'])).toMatch(/^shoal/)
  expect(await lab.docker(await lab.person('dan'), ['info', '--format', '{{.ServerVersion}}'])).toMatch(/^shoal/)
  // What is started anew finds its way too.
  await lab.stop('n1')
  lab.startAgent('n1', [])
  await lab.stop('m')
  lab.startManager()
  await nodesAre('n1 healthy, n2 healthy')
})

it('is left by a node whose certificate was taken back', async () => {
  const ann = await lab.person('eva')
  await lab.swarm('cert', 'revoke', 'eva')
  // The manager hears of it from the store.
  const refused = async () => lab.docker(ann, ['info']).then(() => '', String)
  await until('eva is refused', async () => (await refused()).includes('the certificate of eva was revoked'))
  await lab.run(['leave', '--data-root', lab.data('n2')])
  await lab.ended('n2')
  await expect(stat(identity('n2'))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await lab.swarm('cert', 'ls', '-q')).not.toContain('n2')
  lab.startAgent('n2', ['--token', await lab.swarm('token', 'create')])
  await nodesAre('n1 healthy, n2 healthy')
})
