import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTunnels } from '../../../src/cli/engine/ssh/tunnels.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { createDockerClient } from '../../../src/docker-api/index.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { docker, shoal } from '../../support/docker-cli.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'
import { hostPrograms, type SshClient, sshClient } from '../../support/ssh-client.ts'
import { startSshd, type TestSshd } from '../../support/sshd.ts'

const folder = mkdtempSync(join(tmpdir(), 'shoal-over-ssh-'))
const programs = hostPrograms(join(folder, 'bin'))
let engine: ShoalEngine
let forwarding: TestSshd
let plain: TestSshd
let socket = ''

beforeAll(async () => {
  engine = await startShoalEngine()
  socket = engine.host.slice('unix://'.length)
  const path = `SetEnv PATH=${programs}:/usr/bin:/bin`
  forwarding = await startSshd([path])
  plain = await startSshd([path, 'AllowStreamLocalForwarding no'])
  const client = createDockerClient(engine.host, { clock: systemClock })
  await client.images.load(Readable.from([await busyboxArchive()]), new AbortController().signal)
  client.close()
})

afterAll(async () => {
  await forwarding.stop()
  await plain.stop()
  await engine.stop()
  rmSync(folder, { recursive: true })
})

interface Setup {
  readonly name: string
  readonly run: typeof shoal
  readonly client: () => SshClient
}

const SETUPS: readonly Setup[] = [
  { name: 'docker', run: docker, client: () => sshClient(forwarding, { name: 'docker' }) },
  { name: 'shoal', run: shoal, client: () => sshClient(forwarding, { name: 'shoal' }) },
]

/** Other ways to the same engine, each of which carries what the first does. */
const DETOURS: readonly Setup[] = [
  { name: 'where sshd forwards no sockets', run: shoal, client: () => sshClient(plain, { name: 'plain' }) },
  {
    // Our own client knows no certificates.
    name: "through the machine's ssh",
    run: shoal,
    client: () => sshClient(forwarding, { name: 'system', options: ['CertificateFile=/nosuch/certificate'] }),
  },
  {
    name: "through the machine's ssh, where sshd forwards no sockets",
    run: shoal,
    client: () => sshClient(plain, { name: 'system', options: ['CertificateFile=/nosuch/certificate'] }),
  },
]

describe.each(SETUPS)('$name over SSH', ({ name, run, client }) => {
  it('runs, talks, follows and builds', async () => {
    const { address, environment } = client()
    const at = `${address}${socket}`
    const container = `web-${name}`
    const loop = 'while :; do echo tick; sleep 0.2; done'
    const started = await run(at, ['run', '-d', '--name', container, 'busybox:test', 'sh', '-c', loop], { environment })
    expect(started).toMatchObject({ code: 0 })
    const inside = await run(at, ['exec', '-i', container, 'sh', '-c', 'cat; exit 7'], { environment, input: 'in\n' })
    expect(inside).toMatchObject({ code: 7, stdout: 'in\n' })
    const followed = await run(at, ['logs', '-f', container], { environment, until: 'tick\ntick\ntick\n' })
    expect(followed.stdout).toMatch(/^(tick\n){3}/)
    expect(await run(at, ['rm', '-f', container], { environment })).toMatchObject({ code: 0 })

    const files = join(folder, container)
    mkdirSync(files)
    writeFileSync(join(files, 'Dockerfile'), 'FROM busybox:test\nCOPY word /word\nCMD cat /word\n')
    writeFileSync(join(files, 'word'), container)
    expect(await run(at, ['build', '-q', '-t', container, files], { environment })).toMatchObject({ code: 0 })
    const built = await run(at, ['run', '--rm', container], { environment })
    expect(built).toMatchObject({ code: 0, stdout: container })
  })
})

it.each(DETOURS)('a container is talked to over SSH $name', async ({ run, client }) => {
  const { address, environment } = client()
  const argv = ['run', '--rm', '-i', 'busybox:test', 'cat']
  const spoken = await run(`${address}${socket}`, argv, { environment, input: 'spoken\n' })
  expect(spoken).toMatchObject({ code: 0, stdout: 'spoken\n' })
})

it('brings a project up and down, and hangs up', async () => {
  const { address, environment } = sshClient(forwarding, { name: 'compose' })
  const cwd = join(folder, 'compose')
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'compose.yaml'), 'services:\n  one:\n    image: busybox:test\n    command: sleep 1000\n')
  const compose = (...argv: string[]) =>
    shoal(`${address}${socket}`, ['compose', '-p', 'far', ...argv], { environment, cwd })
  expect(await compose('up', '-d')).toMatchObject({ code: 0 })
  expect((await compose('ps')).stdout).toContain('far-one-1')
  expect(await compose('down', '-t', '0')).toMatchObject({ code: 0 })
  await expect.poll(() => forwarding.connections().length, { timeout: 30_000 }).toBe(0)
})

it("leaves no connection of the machine's ssh behind where nobody reads on", async () => {
  const { address, environment } = sshClient(forwarding, {
    name: 'cut',
    options: ['CertificateFile=/nosuch/certificate'],
  })
  const at = `${address}${socket}`
  const loop = 'while :; do echo tick; sleep 0.1; done'
  await shoal(at, ['run', '-d', '--name', 'ticking', 'busybox:test', 'sh', '-c', loop], { environment })
  const words = [process.execPath, 'src/main/cli.ts', 'shoal', '-H', at, 'logs', '-f', 'ticking']
  const read = promisify(execFile)('sh', ['-c', '"$@" | head -n 1', 'sh', ...words], {
    env: environment,
    timeout: 60_000,
  })
  expect(await read).toMatchObject({ stdout: 'tick\n' })
  // By itself ssh would keep it for a minute.
  await expect.poll(() => forwarding.connections().length, { timeout: 10_000 }).toBe(0)
  expect(await shoal(at, ['rm', '-f', 'ticking'], { environment })).toMatchObject({ code: 0 })
})

describe('many streams at once', () => {
  it.each([
    ['forwarded', () => forwarding],
    ['through commands, of which sshd takes ten', () => plain],
  ])('are as many as are asked for: %s', async (name, sshd) => {
    const { address, environment } = sshClient(sshd(), { name: `many-${name.length}` })
    const tunnels = createTunnels({ clock: systemClock, random: systemRandom, env: environment })
    const client = createDockerClient(address, {
      clock: systemClock,
      dial: tunnels.dialTo(`${address}${socket}`, 'engine'),
    })
    const ending = new AbortController()
    try {
      const streams = Array.from({ length: 14 }, () => client.events({}, ending.signal))
      const heard = streams.map(async stream => {
        for await (const { Action } of stream) return Action
        return 'nothing'
      })
      for (const { opened } of streams) await opened
      await client.volumes.create({ Name: `seen-${name.length}` })
      expect(await Promise.all(heard)).toEqual(Array.from({ length: 14 }, () => 'create'))
    } finally {
      ending.abort()
      client.close()
      await tunnels.close()
    }
    await expect.poll(() => sshd().connections().length, { timeout: 30_000 }).toBe(0)
  })
})

describe('what is wrong is told in one sentence', () => {
  it.each([
    [
      'a host that is not known',
      { name: 'unknown', isKnown: false },
      '',
      /host key of .* nothing is known of this host.*ssh -p \d+ root@127/,
    ],
    ['no such socket', { name: 'none' }, '/nosuch/engine.sock', /there is no socket \/nosuch\/engine\.sock on 127/],
    ['a file', { name: 'file' }, '/etc/passwd', /\/etc\/passwd on 127\.0\.0\.1 is not a socket/],
  ])('%s', async (_what, options, path, sentence) => {
    const { address, environment } = sshClient(forwarding, options)
    const { code, stderr } = await shoal(`${address}${path}`, ['ps'], { environment })
    expect([code, stderr]).toEqual([1, expect.stringMatching(sentence)])
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it('a key that does not fit, after one login', async () => {
    const { address, environment } = sshClient(forwarding, { name: 'stranger', options: [] })
    const before = forwarding.log().length
    const { code, stderr } = await shoal(address.replace('root', 'nobody'), ['ps'], { environment })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/lets nobody in with none of our keys/)])
    expect(
      forwarding
        .log()
        .slice(before)
        .match(/Connection from/g),
    ).toHaveLength(1)
  })
})
