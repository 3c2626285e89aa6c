import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { type EtcdProcess, startEtcd } from '../../../src/discovery/index.ts'
import { umbrella } from '../../../src/main/programs.ts'
import { runCommand } from '../../cli/support/run.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { docker } from '../../support/docker-cli.ts'
import { stopChild } from '../../support/dockerd.ts'
import { makeCertificate } from '../../support/make-certificate.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'
import { freePort, type ManagerProcess, startManagerProcess, until } from '../manager/support.ts'

let folder: string
let engine: ShoalEngine
let engineUrl: string
let flags: readonly string[]

const cli = (argv: readonly string[], { env = {}, input = '' } = {}) =>
  runCommand(argv, { root: umbrella, clock: systemClock, env: { HOME: '/nonexistent', ...env }, input })
const verified = () => ({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-cli-tls-'))
  const { cert, key } = await makeCertificate()
  // It is its own authority, for servers and for clients.
  for (const [name, content] of [
    ['ca.pem', cert],
    ['cert.pem', cert],
    ['key.pem', key],
  ] as const) {
    await writeFile(join(folder, name), content)
  }
  const path = (name: string): string => join(folder, name)
  flags = ['--tlsverify', '--tlscacert', path('ca.pem'), '--tlscert', path('cert.pem'), '--tlskey', path('key.pem')]
  engineUrl = `tcp://127.0.0.1:${await freePort()}`
  engine = await startShoalEngine(['-H', engineUrl, ...flags])
  const archive = path('busybox.tar')
  await writeFile(archive, await busyboxArchive())
  expect(await cli(['-H', engineUrl, ...flags, 'load', '-i', archive])).toMatchObject({ code: 0, stderr: '' })
})
afterAll(async () => {
  await engine?.stop()
  await rm(folder, { recursive: true, force: true })
})

it('speaks to an engine with certificates, given by flags or as docker’s variables name them', async () => {
  const images = { code: 0, stdout: expect.stringContaining('busybox'), stderr: '' }
  expect(await cli(['-H', engineUrl, ...flags, 'images'])).toMatchObject(images)
  expect(await cli(['images'], { env: { ...verified(), DOCKER_HOST: engineUrl } })).toMatchObject(images)
  expect(await docker(engineUrl, ['images'], { environment: verified() })).toMatchObject(images)
  const run = ['run', '--rm', '-i', '--network', 'none', 'busybox:test', 'cat']
  expect(await cli(['-H', engineUrl, ...flags, ...run], { input: 'through TLS' })).toMatchObject({
    code: 0,
    stdout: 'through TLS',
  })
})

it.each([
  ['without TLS', [], /^Cannot connect to tcp:.*: connection (reset|closed)/],
  ['without our certificate', ['--tls'], /^Cannot connect to tcp:/],
  ['without its authority', ['--tlsverify'], /its certificate is of no authority that is trusted: check --tlscacert/],
  ['with a file that is not there', ['--tlsverify', '--tlscacert', '/no/such'], /^Cannot read the TLS file \/no\/such/],
])('says what is wrong %s', async (_what, given, message) => {
  const answer = await cli(['-H', engineUrl, ...given, 'ps'])
  expect(answer.code).not.toBe(0)
  expect(answer.stderr).toMatch(message)
})

/** What the manager does with a node that speaks TLS: lists, creates, starts, and hands on an attached stream. */
async function expectCluster(manager: ManagerProcess, node: string): Promise<void> {
  const host = `tcp://${manager.address}`
  const ask = (argv: readonly string[], input = '') => cli(['-H', host, ...flags, ...argv], { input })
  await until('the node', async () => (await ask(['info', '--format', '{{json .SystemStatus}}'])).stdout.includes(node))
  const run = ['run', '--rm', '-i', '--network', 'none', 'busybox:test', 'cat']
  const ran = await until('a place', async () => {
    const answer = await ask(run, 'through the manager')
    return answer.code === 0 && answer
  })
  expect(ran.stdout).toBe('through the manager')
  expect((await docker(host, ['ps', '-aq'], { environment: verified() })).code).toBe(0)
}

it('reaches engines of a list that speak TLS through a manager that does', async () => {
  const manager = await startManagerProcess([...flags, `nodes://${engineUrl.slice('tcp://'.length)}`])
  try {
    await expectCluster(manager, engineUrl.slice('tcp://'.length))
  } finally {
    await manager.kill('SIGKILL')
  }
})

it.each([
  ['and drive another engine', async () => ['--engine', engine.host, '--advertise', `127.0.0.1:${await freePort()}`]],
  ['and found an engine where they advertise', async () => ['--advertise', engineUrl.slice('tcp://'.length)]],
])('reaches nodes that joined with TLS %s', async (what, where) => {
  let etcd: EtcdProcess | undefined
  let agent: ChildProcess | undefined
  let manager: ManagerProcess | undefined
  try {
    etcd = await startEtcd({ dataDir: join(folder, 'etcd', what), clock: systemClock, clientPort: await freePort() })
    const url = `etcd://${etcd.endpoint}/tls`
    const roots = [
      '--data-root',
      join(folder, 'lib', what),
      '--exec-root',
      join(folder, 'run', what),
      '--name',
      'secure',
    ]
    manager = await startManagerProcess([...flags, url])
    const joining = ['swarm', 'join', ...(await where()), ...roots, ...flags, url]
    agent = spawn(process.execPath, ['src/main/cli.ts', ...joining], { stdio: 'ignore' })
    await expectCluster(manager, 'secure')
    const nodes = await cli(['swarm', 'node', '-H', `tcp://${manager.address}`, ...flags, 'ls', '-q'])
    expect(nodes).toEqual({ code: 0, stdout: 'secure\n', stderr: '' })
  } finally {
    if (agent !== undefined) await stopChild(agent)
    await manager?.kill('SIGKILL')
    await etcd?.stop()
  }
})
