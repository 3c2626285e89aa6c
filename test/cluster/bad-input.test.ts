import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../scripts/lib/command.ts'
import { LocalCluster } from '../../scripts/lib/local-cluster.ts'
import { busyboxLayer } from '../support/busybox-image.ts'
import { LyingRegistry } from '../support/lying-registry.ts'

/** What people and machines do wrong, end to end: one clear sentence, an exit code, and nothing spoilt. */

const SUBNET = '10.218.0'
const GATEWAY = `${SUBNET}.1`
const LAUNCHERS = resolve('bin')
const SLEEP = 'command: [sleep, "9999"]\n    stop_signal: SIGKILL'
const directory = mkdtempSync(join(tmpdir(), 'shoal-bad-'))
const cluster = new LocalCluster({
  directory,
  imagesDirectory: '/var/lib/shoal-demo-images',
  bridge: 'sh-bad',
  subnet: SUBNET,
  nodes: { n1: {}, n2: {} },
})
const registry = new LyingRegistry()
const lying = `${GATEWAY}:5001`
const images: Record<string, string> = {}

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, whatever that is. */
/** Longer than any patience of ours: a registry that falls silent is given two minutes. */
function run(argv: readonly string[], timeout = 240_000): Promise<Outcome> {
  const [program = '', ...args] = argv
  const env = { ...process.env, DOCKER_HOST: cluster.manager }
  const child = spawn(program, args, { env, timeout, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => (stdout += String(chunk)))
  child.stderr.on('data', chunk => (stderr += String(chunk)))
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', code => done({ code, stdout, stderr }))
  })
}

/** The one sentence of a program that failed: without progress (indented), and without a daemon's log (JSON lines). */
/** The one line that says what is wrong; docker's pointer to the help may follow it. */
function complaint({ stdout, stderr }: Outcome): string {
  const lines = `${stdout}\n${stderr}`
    .split('\n')
    .filter(line => line !== '' && !/^ |^\{"level":[34]0,|^Usage: |^Run '.* --help'/.test(line))
  expect(lines).toHaveLength(1)
  const [line = ''] = lines
  expect(line).not.toMatch(/\bat .*:\d+:\d+\)?$|\{"|undefined|\[object/)
  return line
}

function writeCompose(name: string, services: string): string {
  const file = join(directory, `${name}.yaml`)
  writeFileSync(file, `name: ${name}\nservices:\n${services}`)
  return file
}

const compose = (...args: string[]): Promise<Outcome> => run([join(LAUNCHERS, 'compose'), ...args])
const up = (name: string, services: string): Promise<Outcome> => compose('-f', writeCompose(name, services), 'up', '-d')
const down = (name: string): Promise<Outcome> => compose('-f', join(directory, `${name}.yaml`), 'down')
const swarm = (...args: string[]): Promise<Outcome> => run([join(LAUNCHERS, 'swarm'), ...args])

/** States by task name. */
async function states(name: string): Promise<Record<string, string>> {
  const { stdout } = await compose('-f', join(directory, `${name}.yaml`), 'ps', '-a', '--format', 'json')
  const lines = stdout.trim().split('\n')
  const rows = lines.filter(line => line !== '').map(line => JSON.parse(line) as { Name: string; State: string })
  return Object.fromEntries(rows.toReversed().map(row => [row.Name, row.State]))
}

async function projects(): Promise<string[]> {
  return ((await cluster.call('GET', '/v1/projects')) as { name: string }[]).map(({ name }) => name)
}

async function members(): Promise<string[]> {
  return ((await cluster.call('GET', '/v1/nodes')) as { name: string }[]).map(({ name }) => name).sort()
}

/** Every agent has a port of its own, so that none is refused for that. */
let nextPort = 2400

function joinFlags(node: string, name: string, dataRoot: string): string[] {
  const place = [
    '--data-root',
    dataRoot,
    '--exec-root',
    `/run/${name}`,
    '--cgroup-parent',
    cluster.hosts.cgroupParent(node),
  ]
  const advertise = ['--advertise', `${SUBNET}.${10 + Number(node.slice(1))}:${nextPort++}`, '--insecure']
  return [join(LAUNCHERS, 'swarm'), 'join', '--name', name, ...advertise, ...place]
}

/** Runs `swarm join` on a host to its end. */
function joinOn(node: string, name: string, dataRoot: string, url = cluster.etcdUrl): Promise<Outcome> {
  return inside(node, [...joinFlags(node, name, dataRoot), url])
}

async function inside(node: string, argv: readonly string[]): Promise<Outcome> {
  const [init] = cluster.hosts.pids(node, /^tini /)
  return run(['nsenter', '-t', String(init), '-m', '-u', '-i', '-n', '-p', '--', ...argv])
}

/** A host whose agent keeps everything on a disk of 48 MiB, and trusts the lying registry. */
async function startSmallHost(): Promise<void> {
  await cluster.hosts.start('n3', `${SUBNET}.13`)
  const disk = join(cluster.hosts.dataDirectory('n3'), 'lib')
  mkdirSync(disk)
  await cluster.hosts.run('n3', ['mount', '-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk])
  const flags = joinFlags('n3', 'n3', disk)
  cluster.hosts.spawn('n3', 'agent', [...flags, '--insecure-registry', lying, cluster.etcdUrl])
  await cluster.nodesReady(['n3'])
}

async function publishImages(): Promise<void> {
  await registry.listen(GATEWAY, 5001)
  const good = await busyboxLayer({})
  images['good'] = registry.publish('good', good)
  images['tampered'] = registry.publish('tampered', await busyboxLayer({ 'etc/a': 'a' }), {
    lie: 'bytes',
  })
  images['cut'] = registry.publish('cut', await busyboxLayer({ 'etc/b': 'b' }), { lie: 'cut' })
  const escaping = pack()
  escaping.entry({ name: '../../escaped' }, 'out')
  escaping.finalize()
  images['escaping'] = registry.publish('escaping', await buffer(escaping))
  const huge = pack()
  huge.entry({ name: 'huge' }, Buffer.alloc(100 * 1024 * 1024))
  huge.finalize()
  images['huge'] = registry.publish('huge', await buffer(huge))
}

const onSmall = (image = ''): string =>
  `  web:\n    image: ${image}\n    ${SLEEP}\n    deploy: { placement: { constraints: [node.hostname == n3] } }\n`
const app = (): string => `${cluster.registry}/visits-app:1`
const idle = 'command: [python3, -c, "import time; time.sleep(9999)"]'

describe('bad input', () => {
  beforeAll(async () => {
    await cluster.start()
    await publishImages()
    await startSmallHost()
    await cluster.hosts.start('n4', `${SUBNET}.14`)
    await cluster.hosts.start('n5', `${SUBNET}.15`)
    await cluster.hosts.start('n6', `${SUBNET}.16`)
  })
  afterAll(async () => {
    await registry.close()
    await cluster.remove()
  })

  it.each([
    ['unknown key', '  web:\n    image: a\n    comand: b\n', /:5:5: .*comand.*did you mean 'command'/],
    ['wrong type', '  web:\n    image: a\n    ports: nope\n', /:5:\d+: .*ports must be an? (?:list|array)/],
    ['cycle', '  a: { image: x, depends_on: [b] }\n  b: { image: x, depends_on: [a] }\n', /:3:\d+: .*a -> b -> a/],
    ['broken YAML', '  web: { image: a\n  b: [\n', /:\d+:\d+: Cannot read YAML/],
  ])('refuses a file with %s, with its place, and applies nothing', async (_what, services, expected) => {
    const outcome = await up('broken', services)
    expect(outcome.code).toBe(1)
    expect(complaint(outcome)).toMatch(expected)
    expect(complaint(outcome).startsWith(join(directory, 'broken.yaml:'))).toBe(true)
    expect(await projects()).not.toContain('broken')
  })

  it('names a missing image and lets the other services run', async () => {
    const missing = `${cluster.registry}/nosuch:9`
    const outcome = await up('missing', `  ok: { image: "${app()}", ${idle} }\n  bad: { image: "${missing}" }\n`)
    expect(outcome.code).toBe(1)
    expect(complaint(outcome)).toContain(missing)
    expect(complaint(outcome)).toContain('check the name and tag')
    await until('the other service', async () =>
      (await states('missing'))['missing-ok-1'] === 'running' ? true : undefined,
    )
    expect((await down('missing')).code).toBe(0)
  })

  it('names the service that has a published port, and the program', async () => {
    const service = (name: string, port: number): string =>
      `  ${name}: { image: "${app()}", ${idle}, ports: ["${port}:80"] }\n`
    expect((await up('first', service('web', 8099))).code).toBe(0)
    const second = await up('second', service('front', 8099))
    expect(second.code).toBe(1)
    expect(complaint(second)).toMatch(/port 8099\/tcp is already published by service web of project first/)
    expect(await projects()).not.toContain('second')
    expect(await states('first')).toEqual({ 'first-web-1': 'running' })
    await down('first')

    const serve = 'require("node:net").createServer().listen(8098, "0.0.0.0")'
    for (const node of ['n1', 'n2', 'n3']) cluster.hosts.spawn(node, 'foreign', [process.execPath, '-e', serve])
    await until('the foreign programs', async () =>
      (await Promise.all(['n1', 'n2', 'n3'].map(node => cluster.hosts.run(node, ['ss', '-ltn'])))).every(list =>
        list.includes(':8098'),
      )
        ? true
        : undefined,
    )
    const third = await up('third', service('front', 8098))
    expect(third.code).toBe(1)
    expect(complaint(third)).toMatch(/Cannot publish port 8098\/tcp.*another program on this host has it/)
    await down('third')
  })

  it.each([
    ['tampered', /digest/],
    ['cut', /broke off|ended|cut|short|closed|terminated|reset|bytes/i],
    ['escaping', /escaped|leaves|outside/],
    ['huge', /space/],
  ])('refuses an image that is %s, and the agent lives on', async (kind, expected) => {
    const outcome = await up(kind, onSmall(images[kind]))
    expect(outcome.code).toBe(1)
    expect(complaint(outcome)).toMatch(expected)
    expect(await states(kind)).toEqual({
      [`${kind}-web-1`]: expect.stringMatching(/exited|preparing|pending/),
    })
    await down(kind)
    expect((await up('good', onSmall(images['good']))).code).toBe(0)
    await down('good')
  })

  it('refuses names, data directories and stores that are not for this agent, and harms none', async () => {
    const before = await members()
    const own = (node: string): string => join(cluster.hosts.dataDirectory(node), 'lib')
    const scratch = (name: string, files: Record<string, string> = {}): string => {
      const root = join(directory, name)
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(root, path, '..'), { recursive: true })
        writeFileSync(join(root, path), text)
      }
      return root
    }
    const memory = JSON.parse(readFileSync(join(own('n1'), 'agent/agent.json'), 'utf8')) as object
    const foreign = { 'agent/agent.json': JSON.stringify({ ...memory, clusterId: 'f'.repeat(32) }) }
    const dockerd = scratch('dockerd', { 'overlay2/l/A': 'x' })
    const one = joinOn('n4', 'n1', scratch('taken'))
    const two = joinOn('n5', 'n5', scratch('silent'), `etcd://${GATEWAY}:9999/`)
    const used = await joinOn('n2', 'n9', own('n2'))
    const unread = await joinOn('n6', 'n7', scratch('unread', { 'agent/agent.json': '{garbage' }))
    const newer = await joinOn('n6', 'n8', scratch('newer', { format: '99\n' }))
    const docker = await joinOn('n6', 'n9', dockerd)
    const other = await joinOn('n6', 'n6', scratch('foreign', foreign))
    const [taken, silent] = await Promise.all([one, two])
    for (const { code } of [taken, silent, used, other, unread, newer, docker]) expect(code).toBe(1)
    expect(complaint(taken)).toMatch(/A node named n1 is in the cluster already.*join with another --name/)
    expect(complaint(silent)).toMatch(
      /^The store at .*:9999 does not answer: connect ECONNREFUSED .*; gave up after 15 s$/,
    )
    expect(complaint(used)).toMatch(/Another agent \(pid \d+\) uses/)
    expect(complaint(other)).toMatch(/belongs to cluster f+/)
    expect(complaint(unread)).toMatch(/Cannot read the agent's state .*remove the file/)
    expect(complaint(newer)).toMatch(/format 99, this version knows/)
    expect(complaint(docker)).toMatch(/belongs to another engine \(it holds overlay2\): use another --data-root/)
    expect(readFileSync(join(dockerd, 'overlay2/l/A'), 'utf8')).toBe('x')
    expect(await members()).toEqual(before)
    await cluster.nodesReady(['n1', 'n2', 'n3'])
  })

  it('refuses flags, addresses, stores and data directories that are not for a manager', async () => {
    const broken = join(directory, 'broken-store')
    mkdirSync(join(broken, 'etcd/member/snap'), { recursive: true })
    writeFileSync(join(broken, 'etcd/member/snap/db'), 'garbage')
    const foreign = join(directory, 'foreign-store')
    mkdirSync(join(foreign, 'etcd'), { recursive: true })
    writeFileSync(join(foreign, 'etcd/letter.txt'), 'mine')
    const own = ['-H', 'tcp://127.0.0.1:33875', '--etcd-listen', '127.0.0.1:33879', '--data-root']
    const silent = swarm('manage', '-H', 'tcp://127.0.0.1:33875', `etcd://${GATEWAY}:9999/`)
    const alone = ['--exec-root', join(directory, 'plain-run'), '--data-root']
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['manage', '--bogus'], 2, /unknown flag: --bogus/],
      [['join', '--bogus'], 2, /unknown flag: --bogus/],
      [['manage', '--strategy', 'luck'], 2, /strategy not supported: luck/],
      [['join', '--advertise', 'nowhere', cluster.etcdUrl], 2, /--advertise should be of the form/],
      [['manage', '-H', 'tcp://0.0.0.0:33875', cluster.etcdUrl], 2, /without TLS.*--insecure/],
      [
        ['join', '--advertise', `${GATEWAY}:33875`, ...alone, join(directory, 'plain'), cluster.etcdUrl],
        2,
        /without TLS.*--insecure/,
      ],
      [
        ['manage', '-H', cluster.manager, '--insecure', cluster.etcdUrl],
        1,
        /another program does; stop it or choose another --host/,
      ],
      [['manage', ...own, broken], 1, /Restore a backup, or start on an empty directory/],
      [['manage', ...own, foreign], 1, /holds files that are not etcd's \(letter\.txt\)/],
    ]
    for (const [args, code, expected] of cases) {
      const outcome = await swarm(...args)
      expect(complaint(outcome)).toMatch(expected)
      expect(outcome.code).toBe(code)
    }
    expect(readFileSync(join(foreign, 'etcd/letter.txt'), 'utf8')).toBe('mine')
    expect(readFileSync(join(broken, 'etcd/member/snap/db'), 'utf8')).toBe('garbage')
    expect((await silent).code).toBe(1)
    expect(complaint(await silent)).toMatch(/:9999 does not answer: connect ECONNREFUSED .*; gave up after 15 s$/)
    await cluster.nodesReady(['n1', 'n2', 'n3'])
  })

  it('reads and refuses to write while the store is away, and goes on afterwards', async () => {
    const services = `  web: { image: "${app()}", ${idle} }\n`
    expect((await up('steady', services)).code).toBe(0)
    await cluster.stopEtcd()
    expect(await states('steady')).toEqual({ 'steady-web-1': 'running' })
    const refused = await up('late', services)
    expect(refused.code).toBe(1)
    expect(complaint(refused)).toMatch(/The store .*(does not answer|has not answered)/)
    await cluster.startEtcd()
    await cluster.nodesReady()
    const late = await until('the manager to write again', async () => {
      const outcome = await up('late', services)
      return outcome.code === 0 ? outcome : undefined
    })
    expect(late.code).toBe(0)
    expect(await states('steady')).toEqual({ 'steady-web-1': 'running' })
    for (const name of ['steady', 'late']) expect((await down(name)).code).toBe(0)
  })
})
