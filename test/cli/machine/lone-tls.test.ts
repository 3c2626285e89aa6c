import { access, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { isIssuedBy } from '../../../src/trust/index.ts'
import { makeAuthority } from '../../support/make-certificate.ts'
import { type FakeWorld, fakeWorld } from './world.ts'

const HOST = ['--host', '10.0.0.1', '--accept-new']

let world: FakeWorld
beforeEach(() => {
  world = fakeWorld()
})
afterEach(() => world.dispose())

const record = (): Record<string, unknown> => JSON.parse(world.readFile('machines/n1/machine.json'))
const copies = async (): Promise<string[]> =>
  (await readdir(join(world.root, 'machines/n1'))).filter(name => name.endsWith('.pem'))

it('is how a new engine of no cluster is reached, once it answers', async () => {
  expect(await world.machine('create', ...HOST, 'n1')).toMatchObject({ code: 0 })
  expect(record()).toMatchObject({ access: 'tls' })
  expect(world.asked).toEqual(['tcp://10.0.0.1:2376'])
  expect(world.provisioned[0]?.request.certifier).toBeDefined()
  expect(await copies()).toEqual(['ca.pem', 'cert.pem', 'key.pem'])
  expect((await readdir(join(world.root, 'certs'))).toSorted()).toEqual(['ca-key.pem', 'ca.pem', 'cert.pem', 'key.pem'])
})

it('says what to do where its port is out of reach', async () => {
  world.refuseEngine = failed('ENGINE_UNAVAILABLE', 'connection refused')
  expect(await world.machine('create', ...HOST, 'n1')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /connection refused.*let that port in there, or run `machine create --access ssh n1`/,
    ),
  })
})

it.each([
  ['a Docker that is there already', ['--engine', 'docker'], undefined],
  ['a member of a cluster', ['--swarm', '--swarm-master'], undefined],
  ['what is to have no open port', ['--access', 'ssh'], undefined],
])('is not how %s is reached unless it is said', async (_what, flags, wanted) => {
  expect(await world.machine('create', ...HOST, ...flags, 'n1')).toMatchObject({ code: 0 })
  expect(record()['access']).toBe(wanted)
})

it.each([
  [['--access', 'telnet'], 'expected tls or ssh'],
  [['--access', 'tls', '--engine', 'docker'], 'the Docker that is there is not started anew'],
  [['--access', 'tls', '--swarm', '--swarm-master'], 'members of a cluster are reached'],
  [['--access', 'tls', '-d', 'none', '--url', 'tcp://a:1'], 'only the URL is known'],
  [['--tls-san', 'a b'], 'expected a host name or an address'],
  [['--tls-san', 'a.example,DNS:b'], 'expected a host name or an address'],
])('refuses %j', async (flags, message) => {
  const { code, stderr } = await world.machine('create', ...HOST, ...flags, 'n1')
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
})

it('comes and goes as that is wanted, and stays as it is where nothing is said', async () => {
  await world.machine('create', ...HOST, 'n1')
  await world.machine('create', '--access', 'ssh', 'n1')
  expect([record()['access'], await copies()]).toEqual([undefined, []])
  await world.machine('create', '--engine-label', 'a=b', 'n1')
  expect(record()['access']).toBeUndefined()
  await world.machine('create', '--access', 'tls', 'n1')
  await world.machine('create', '--engine-label', 'a=c', 'n1')
  expect([record()['access'], (await copies()).length]).toEqual(['tls', 3])
  await world.machine('create', '--swarm', '--swarm-master', 'n1')
  expect([record()['access'], await copies()]).toEqual([undefined, []])
})

it('goes where a Docker takes the place of our engine, and not before that is done', async () => {
  await world.machine('create', ...HOST, 'n1')
  await world.machine('create', '--engine', 'docker', '--until', 'preflight', 'n1')
  expect((await copies()).length).toBe(3)
  await world.machine('create', '--access', 'tls', '--engine', 'shoal', 'n1')
  await world.machine('create', '--engine', 'docker', 'n1')
  expect([record()['access'], await copies()]).toEqual([undefined, []])
})

it('goes with the run that succeeds where the one that was to close its port failed half-way', async () => {
  await world.machine('create', ...HOST, 'n1')
  const { finish } = world
  world.finish = async (request, { onEvent }) => {
    const ts = '2026-01-01T00:00:00.000Z'
    onEvent({ ts, machine: 'n1', step: 'engine', index: 7, total: 12, event: 'start', message: 'engine' })
    const error = failed('NO_ANSWER', 'no')
    const end = { changed: [], planned: 0, warnings: [], roundTrips: 1, durationMs: 5, ok: false, exitCode: 1 } as const
    return { ...end, machine: request.machine.name, failed: { step: 'verify', error } }
  }
  expect(await world.machine('create', '--access', 'ssh', 'n1')).toMatchObject({ code: 1 })
  expect([record()['access'], (await copies()).length]).toEqual([undefined, 3])
  world.finish = finish
  expect(await world.machine('provision', 'n1')).toMatchObject({ code: 0 })
  expect(await copies()).toEqual([])
})

it("is by the person's own authority where one is named, by a flag or docker-machine's variable", async () => {
  const { certificate, key } = await makeAuthority()
  const [ca, caKey] = [join(world.root, 'own.pem'), join(world.root, 'own-key.pem')]
  await writeFile(ca, certificate)
  await writeFile(caKey, key)
  const create = ['create', ...HOST, 'n1']
  expect(await world.machine('--tls-ca-cert', ca, '--tls-ca-key', caKey, ...create)).toMatchObject({ code: 0 })
  expect(isIssuedBy(world.readFile('machines/n1/cert.pem'), certificate)).toBe(true)
  await expect(access(join(world.root, 'certs/ca.pem'))).rejects.toThrow('ENOENT')
  const shown = [
    'inspect',
    '-f',
    '{{.HostOptions.AuthOptions.CaCertPath}} {{.HostOptions.EngineOptions.TlsVerify}}',
    'n1',
  ]
  expect((await world.machine('--tls-ca-cert', ca, ...shown)).stdout).toBe(`${ca} true\n`)
  expect((await world.machine(...shown)).stdout).toBe(`${join(world.root, 'certs/ca.pem')} true\n`)
  await world.machine('create', '--host', '10.0.0.2', '--access', 'ssh', 'n2')
  expect((await world.machine(...shown.slice(0, -1), 'n2')).stdout).toMatch(/ false\n$/)
  const variables = { MACHINE_TLS_CA_CERT: ca, MACHINE_TLS_CA_KEY: caKey }
  expect(await world.withEnv(variables, 'regenerate-certs', '-f', '--client-certs', 'n1')).toMatchObject({ code: 0 })
  expect(isIssuedBy(world.readFile('machines/n1/cert.pem'), certificate)).toBe(true)
})

it('is made anew for the engine, and for the person with all machines that know it', async () => {
  await world.machine('create', ...HOST, 'n1')
  await world.machine('create', '--host', '10.0.0.2', '--accept-new', 'n2')
  const [engine, before] = [world.provisioned.length, world.readFile('machines/n2/cert.pem')]
  expect(await world.answering('n\n', 'regenerate-certs', 'n1')).toMatchObject({ code: 0 })
  expect(await world.answering('', 'regenerate-certs', 'n1')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('add -f'),
  })
  expect(world.provisioned).toHaveLength(engine)
  expect(await world.answering('y\n', 'regenerate-certs', '--client-certs', 'n1')).toMatchObject({ code: 0 })
  const certifier = world.provisioned.at(-1)?.request.certifier
  expect(certifier?.whyNot('whatever', [])).toBe('as you asked')
  expect(world.readFile('machines/n2/cert.pem')).not.toBe(before)
  expect(world.readFile('machines/n2/cert.pem')).toBe(world.readFile('machines/n1/cert.pem'))
})

it('is made anew by `certs rotate` for machines that are named', async () => {
  await world.machine('create', ...HOST, 'n1')
  expect(await world.machine('certs', 'rotate', 'n1')).toMatchObject({ code: 0 })
  expect(world.provisioned.at(-1)?.request.certifier?.whyNot('whatever', [])).toBe('as you asked')
  expect(await world.machine('certs', 'rotate')).toMatchObject({ code: 2 })
  expect(await world.machine('certs', 'rotate', '--ca', 'n1')).toMatchObject({ code: 2 })
})
