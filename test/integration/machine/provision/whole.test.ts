import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { mapParallel } from '../../../../src/core/parallel.ts'
import { cleanHost, openBundle, type ProvisionEvent, upgradeHost } from '../../../../src/machine/index.ts'
import { writeDurably } from '../../../../src/runtime/linux/files/durable-file.ts'
import { SshHosts } from '../../../support/ssh-hosts.ts'
import { taskFor } from './lab.ts'
import { prepare, provision } from './provision-program.ts'
import { stubBundle } from './stub-bundle.ts'

const SUBNET = '10.231.10'
const ADDRESS = `${SUBNET}.11`
const PLACES = '/opt/shoal /etc/shoal /etc/init.d/shoal-agent /etc/sysctl.d/60-shoal.conf'

let hosts: SshHosts

beforeAll(async () => {
  hosts = await SshHosts.open('sh-prw', SUBNET)
  await hosts.start('w1', ADDRESS)
})

afterAll(() => hosts.close())

const task = () => taskFor(hosts, 'w1', ADDRESS)
const signal = new AbortController().signal
const found = (): Promise<string> => hosts.run('w1', `find ${PLACES} -maxdepth 0 2>/dev/null || true`)

const realBundle = (): ReturnType<typeof openBundle> =>
  openBundle({
    root: resolve('.'),
    cache: join(hosts.directory, 'cache'),
    version: '9.9.9',
    files: { writeDurably },
  })

it('changes nothing in a dry run, and says what it would', async () => {
  const events: ProvisionEvent[] = []
  const result = await provision(task(), { dryRun: true, onEvent: event => events.push(event) })
  expect(result).toMatchObject({ ok: true, changed: [] })
  const changes = events.filter(({ event }) => event === 'change').map(({ message }) => message)
  expect(changes).toEqual(expect.arrayContaining(['engine: push Shoal 0.1.0', 'agent: start agent']))
  expect(await found()).toBe('')
})

it('takes back what a run changed that failed', async () => {
  // The folder of the kernel's settings is none, which nothing notices before it is written to.
  await hosts.run('w1', 'mv /etc/sysctl.d /etc/sysctl.away; ln -s /nosuch/folder /etc/sysctl.d')
  const result = await provision(task(), { rollback: true })
  await hosts.run('w1', 'rm /etc/sysctl.d; mv /etc/sysctl.away /etc/sysctl.d')
  expect(result).toMatchObject({ ok: false, failed: { step: 'network' } })
  expect(await found()).toBe('')
  expect(hosts.pids('w1', /supervise run/)).toEqual([])
})

it('does the steps from one to another', async () => {
  expect(await provision(task(), { until: 'engine' })).toMatchObject({ ok: true, changed: ['engine'] })
  expect(await provision(task(), { from: 'agent', until: 'network' })).toMatchObject({ changed: ['agent', 'network'] })
  expect(await provision(task())).toMatchObject({ ok: true })
  const backwards = await provision(task(), { from: 'join', until: 'engine' })
  expect(backwards.failed?.error.message).toMatch(/--from join comes after --until engine/)
})

it('starts the daemon anew only when what it is started with has changed', async () => {
  await provision(task())
  const [before] = hosts.pids('w1', /bin\/shoal engine/)
  expect(await provision(task())).toMatchObject({ changed: [], roundTrips: 2 })
  expect(hosts.pids('w1', /bin\/shoal engine/)).toEqual([before])
  const engine = { ...task().machine.engine, labels: { zone: 'it\'s "a" $HOME `id`' } }
  const machine = { ...task().machine, engine }
  expect(await provision({ ...task(), machine })).toMatchObject({ ok: true, changed: ['agent'] })
  expect(hosts.pids('w1', /bin\/shoal engine/)).not.toEqual([before])
  expect(await hosts.run('w1', 'cat /etc/shoal/agent.args')).toContain('zone=it\'s "a" $HOME `id`\n')
})

it('has the daemon again that died', async () => {
  await provision(task())
  const [daemon] = hosts.pids('w1', /bin\/shoal engine/)
  if (daemon === undefined) throw new Error('No daemon runs')
  process.kill(daemon, 'SIGKILL')
  await expect
    .poll(() => hosts.pids('w1', /bin\/shoal engine/).filter(pid => pid !== daemon), { timeout: 60_000 })
    .toHaveLength(1)
  // While it waits to start the daemon once more.
  for (const pid of hosts.pids('w1', /bin\/shoal engine/)) process.kill(pid, 'SIGKILL')
  await hosts.run('w1', '/opt/shoal/supervise stop agent && /opt/shoal/supervise start agent')
})

it('upgrades, keeping the version before, and is clean in the end', async () => {
  await provision(task())
  for (const version of ['0.2.0', '0.3.0']) {
    const { request, ports } = await prepare(task(), { bundle: await stubBundle(version) })
    const result = await upgradeHost(request, { drain: true, signal, onEvent: () => {} }, ports)
    expect(result).toMatchObject({ ok: true, changed: ['engine', 'agent'] })
  }
  expect(await hosts.run('w1', 'ls /opt/shoal/versions')).toMatch(/^0\.2\.0-\w+\n0\.3\.0-\w+\n$/)
  const { request, ports } = await prepare(task())
  for (let times = 0; times < 2; times++) {
    const cleaned = await cleanHost(request, { data: false, signal, onEvent: () => {} }, ports)
    expect(cleaned).toMatchObject({ ok: true })
    expect(await found()).toBe('')
  }
  expect(hosts.pids('w1', /supervise|bin\/shoal/)).toEqual([])
})

it('brings an engine that answers', async () => {
  await hosts.start('w2', `${SUBNET}.12`)
  const bundle = await realBundle()
  const real = taskFor(hosts, 'w2', `${SUBNET}.12`)
  expect(await provision(real, { bundle })).toMatchObject({ ok: true })
  const info = await hosts.run('w2', 'docker -H unix:///run/shoal/engine.sock info -f "{{.Name}} {{.OSType}}"')
  expect(info).toBe('w2 linux\n')
  expect(await provision(real, { bundle })).toMatchObject({ ok: true, changed: [], roundTrips: 2 })
})

it.each(['answers', 'is dead'])('ends containers of an engine that %s, and removes their data', async engine => {
  const w2 = taskFor(hosts, 'w2', `${SUBNET}.12`)
  const bundle = await realBundle()
  expect(await provision(w2, { bundle })).toMatchObject({ ok: true })
  const docker = 'docker -H unix:///run/shoal/engine.sock'
  await hosts.run('w2', `tar -cC / bin/busybox | ${docker} import - box`)
  await hosts.run('w2', `${docker} run -d --net none --name c1 box /bin/busybox sleep 98765`)
  if (engine === 'is dead') await hosts.run('w2', '/opt/shoal/supervise stop agent')
  // It is started before it has become its program.
  await expect.poll(() => hosts.pids('w2', /sleep 98765/), { timeout: 60_000 }).not.toEqual([])
  const { request, ports } = await prepare(w2, { bundle })
  const cleaned = await cleanHost(request, { data: true, signal, onEvent: () => {} }, ports)
  expect(cleaned).toMatchObject({ ok: true })
  expect(hosts.pids('w2', /sleep 98765|supervise|bin\/shoal/)).toEqual([])
  expect(await hosts.run('w2', `find ${PLACES} 2>/dev/null; find /var/lib/shoal -mindepth 1`)).toBe('')
})

it('provisions twenty hosts at once', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `p${index}`)
  const address = (name: string): string => `${SUBNET}.${100 + names.indexOf(name)}`
  await mapParallel(names, 4, name => hosts.start(name, address(name)))
  const results = await Promise.all(names.map(name => provision(taskFor(hosts, name, address(name)))))
  expect(results.map(({ machine, ok }) => (ok ? machine : 'failed'))).toEqual(names)
})
