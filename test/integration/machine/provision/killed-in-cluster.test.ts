import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../../scripts/lib/command.ts'
import { ENGINE_SOCKET, MANAGER_SOCKET, PLACES } from '../../../../src/machine/provision/host-paths.ts'
import { readProvisionRecord } from '../../../../src/machine/provision/provision-record.ts'
import { SWITCH_BUNDLE, UNPACK_BUNDLE } from '../../../../src/machine/provision/scripts/bundle-scripts.ts'
import { PUT_FILES } from '../../../../src/machine/provision/scripts/file-scripts.ts'
import { PUT_SYSCTL } from '../../../../src/machine/provision/scripts/network-scripts.ts'
import { HEAR_DATAGRAMS } from '../../../../src/machine/provision/scripts/probe-scripts.ts'
import { AWAIT_SOCKETS, START_SERVICES } from '../../../../src/machine/provision/scripts/service-scripts.ts'
import {
  CREATE_CLUSTER,
  CREATE_TOKEN,
  KEEP_OWN_TOKEN,
  REMOVE_TOKEN,
} from '../../../../src/machine/provision/scripts/trust-scripts.ts'
import { isKeyOf, readCertificate } from '../../../../src/trust/index.ts'
import { dockerPlain } from '../../../support/docker-cli.ts'
import { environmentOf } from '../../../support/machine-cli.ts'
import {
  around,
  type Death,
  type Dying,
  mortalMachine,
  type Ran,
  step,
  writing,
} from '../../../support/mortal-machine.ts'
import { SshHosts } from '../../../support/ssh-hosts.ts'
import { draftsIn, draftsOn } from './drafts.ts'

const SUBNET = '10.231.20'
const ADDRESSES = { m1: `${SUBNET}.11`, m2: `${SUBNET}.12`, w1: `${SUBNET}.13` } as const
type Name = keyof typeof ADDRESSES

let hosts: SshHosts
let store: string

beforeAll(async () => {
  hosts = await SshHosts.open('sh-pkc', SUBNET)
  store = join(hosts.directory, 'store')
  for (const [name, address] of Object.entries(ADDRESSES)) await hosts.start(name, address)
})

afterAll(() => hosts.close())

/**
 * Each run goes on where the one before it died, so that it has to find its way past all deaths before its own. Their order is one in which
 * each is reached, whatever became of the command that was on its way when the run before died.
 */
const LIVES: readonly { readonly name: Name; readonly flags: readonly string[]; readonly deaths: readonly Dying[] }[] =
  [
    {
      name: 'm1',
      flags: ['--swarm', '--swarm-master'],
      deaths: [
        writing('m1/machine.json', 'during'),
        writing('m1/machine.json', 'after'),
        step('engine', 'before'),
        ...around('pushing the bundle', ['during'], UNPACK_BUNDLE),
        ...around('switching to it', ['before', 'during'], SWITCH_BUNDLE),
        step('certs', 'before'),
        ...around('making the authority', ['before', 'during'], CREATE_CLUSTER),
        step('agent', 'before'),
        ...around('writing files', ['before', 'during'], PUT_FILES),
        ...around('starting the manager', ['before', 'during'], START_SERVICES, '\nmanager'),
        ...around('waiting for the manager', ['during'], AWAIT_SOCKETS, MANAGER_SOCKET),
        ...around('making a token there', ['before', 'during', 'after'], KEEP_OWN_TOKEN),
        ...around('starting the agent', ['before', 'during'], START_SERVICES, '\nagent'),
        ...around('writing settings', ['before', 'during'], PUT_SYSCTL),
        ...around('waiting for the engine', ['during'], AWAIT_SOCKETS, ENGINE_SOCKET),
        ...around('removing the token', ['before', 'during'], REMOVE_TOKEN),
        step('verify', 'before'),
        ...around("making a person's token", ['before', 'during', 'after'], CREATE_TOKEN),
        writing('client/key.pem', 'after'),
        writing('client/ca.pem', 'after'),
        writing('client/cert.pem', 'during'),
      ],
    },
    {
      name: 'm2',
      flags: ['--swarm', '--swarm-master'],
      deaths: [
        ...around("making a manager's token", ['during', 'after'], CREATE_TOKEN),
        ...around('bringing it', ['during', 'after'], PUT_FILES, PLACES.token),
        ...around('starting the manager', ['before', 'after'], START_SERVICES, '\nmanager'),
        ...around('making a token there', ['before', 'during'], KEEP_OWN_TOKEN),
        ...around('starting the agent', ['during'], START_SERVICES, '\nagent'),
        ...around('removing the token', ['after'], REMOVE_TOKEN),
      ],
    },
    {
      name: 'w1',
      flags: ['--swarm'],
      deaths: [
        step('engine', 'after'),
        ...around("making a node's token", ['before'], CREATE_TOKEN),
        ...around('bringing it', ['before'], PUT_FILES, PLACES.token),
        step('certs', 'after'),
        ...around('starting the agent', ['before', 'after'], START_SERVICES, '\nagent'),
        step('network', 'after'),
        ...around('waiting for the engine', ['during'], AWAIT_SOCKETS, ENGINE_SOCKET),
        ...around('trying networks', ['during'], HEAR_DATAGRAMS),
        step('verify', 'before'),
      ],
    },
  ]

function create(name: Name, flags: readonly string[], death?: Death): Promise<Ran> {
  const engine = ['--engine-opt', `cgroup-parent=${hosts.hosts.cgroupParent(name)}`]
  const access = ['--host', ADDRESSES[name], '--generic-ssh-key', hosts.keyPath, '--accept-new']
  return mortalMachine(store, ['create', ...access, ...engine, ...flags, name], death)
}

const swarm = (words: string): Promise<string> =>
  hosts.run('m1', `/opt/shoal/current/bin/swarm ${words} -H unix://${MANAGER_SOCKET}`)

/** What a daemon shows is of the key that its host has, and of the one certificate under its name that is listed. */
async function expectOneCertificate(host: Name, daemon: 'agent' | 'manager', subject: string): Promise<void> {
  const identity = `/var/lib/shoal/${daemon}/identity`
  const certificate = await hosts.run(host, `cat ${identity}/cert.pem`)
  expect(isKeyOf(certificate, await hosts.run(host, `cat ${identity}/key.pem`))).toBe(true)
  const { fingerprint } = readCertificate(certificate)
  const listed = await swarm("cert ls --format '{{.Name}} {{.Fingerprint}}'")
  const rows = listed.split('\n').filter(line => line.startsWith(`${subject} `))
  expect(rows).toEqual([`${subject} ${fingerprint}`])
  expect(hosts.pids(host, new RegExp(`supervise run ${daemon}`))).toHaveLength(1)
  expect(hosts.pids(host, daemon === 'agent' ? /cli\.js shoal swarm join/ : /cli\.js shoal swarm manage/)).toHaveLength(
    1,
  )
}

describe.each(LIVES)('$name, which is killed again and again', ({ name, flags, deaths }) => {
  it.each(deaths)('dies $title', async ({ death }) => {
    const { signal, stderr } = await create(name, flags, death)
    expect(signal, stderr).toBe('SIGKILL')
  })

  it('becomes a member all the same, once, and leaves nothing half-written', async () => {
    const { code, stderr } = await create(name, flags)
    expect(code, stderr).toBe(0)
    expect(await mortalMachine(store, ['provision', name])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Ready, nothing was to be done'),
      commands: 2,
    })
    expect([await draftsOn(hosts, name), draftsIn(store)]).toEqual(['', []])
    expect(await hosts.run(name, 'ls /etc/shoal')).not.toContain('token')
    expect((await hosts.run(name, 'ls /opt/shoal/versions')).trim().split('\n')).toHaveLength(1)
    await expectOneCertificate(name, 'agent', name)
    if (flags.includes('--swarm-master')) await expectOneCertificate(name, 'manager', `manager-${name}`)
    await until('the node is healthy', async () => {
      const lines = (await swarm("node ls --format '{{.Name}} {{.Health}}'")).split('\n')
      return lines.filter(line => line.startsWith(`${name} `)).join() === `${name} healthy` ? true : undefined
    })
    const record = await readProvisionRecord(join(store, 'machines', name))
    expect(new Set(Object.values(record?.steps ?? {}).map(({ status }) => status))).toEqual(new Set(['skipped']))
    expect(readdirSync(join(store, 'machines', name))).not.toContain('unfinished.json')
  })
})

it('leaves one certificate of the person, and of tokens only such as nobody may use again or for long', async () => {
  const certificates = await swarm("cert ls --format '{{.Name}} {{.Role}}'")
  expect(
    certificates
      .trim()
      .split('\n')
      .map(line => line.replace(/^client-(?:.*-)?[0-9a-f]{12} /, 'PERSON '))
      .toSorted(),
  ).toEqual(['PERSON client', 'm1 node', 'm2 node', 'manager-m1 manager', 'manager-m2 manager', 'w1 node'])
  const certificate = readFileSync(join(store, 'machines/m1/client/cert.pem'), 'utf8')
  expect(isKeyOf(certificate, readFileSync(join(store, 'machines/m1/client/key.pem'), 'utf8'))).toBe(true)
  const tokens = (await swarm("token ls --format '{{.Uses}} {{.Expires}}'")).trim().split('\n')
  for (const [uses = '', expires = ''] of tokens.map(line => line.split(' '))) {
    expect(['once', 'used']).toContain(uses)
    expect(Date.parse(expires) - Date.now()).toBeLessThan(3_600_000)
  }
})

/** The first has begun to change it, the second has come to its end but for the person's own certificate. */
const CHANGES = [
  ...around('changing the authority', ['during', 'after'], '\nca\nrotate'),
  writing('client/cert.pem', 'during'),
]

describe('machine certs rotate --ca', () => {
  it.each(CHANGES)('dies $title', async ({ death }) => {
    const { signal, stderr } = await mortalMachine(store, ['certs', 'rotate', '--ca'], death)
    expect(signal, stderr).toBe('SIGKILL')
  })

  it('comes to its end when it is run again, with one authority and a person who is let in', async () => {
    const { code, stderr } = await mortalMachine(store, ['certs', 'rotate', '--ca'])
    expect(code, stderr).toBe(0)
    const { step: at, authorities } = JSON.parse(await swarm('ca show --format json'))
    expect([at, authorities.length]).toEqual(['steady', 1])
    const { stdout } = await mortalMachine(store, ['env', '--shell', 'sh', '--swarm', 'm1'])
    const environment = environmentOf(stdout)
    expect(await dockerPlain(['ps', '-q'], { environment })).toMatchObject({ code: 0, stderr: '' })
  })
})
