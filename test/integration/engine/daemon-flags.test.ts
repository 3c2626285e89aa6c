import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { createDockerClient, type DockerClient, type HostConfig } from '../../../src/docker-api/index.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'

const isRoot = process.getuid?.() === 0
const soon = (): AbortSignal => AbortSignal.timeout(30_000)
const FLAGS = [
  '--dns=9.9.9.9',
  '--dns-search=example.org',
  '--dns-opt=ndots:3',
  '--log-opt=max-size=2m',
  '--default-ulimit=nofile=321:654',
  '--default-shm-size=3m',
  '--no-new-privileges',
  '--seccomp-profile=unconfined',
  '--icc=false',
  '--ip=127.0.0.1',
  '--default-address-pool=base=10.245.0.0/16,size=24',
]

describe.skipIf(!isRoot)('an engine with flags and a configuration file', () => {
  let directory: string
  let file: string
  let engine: ShoalEngine
  let client: DockerClient
  const configure = (config: object) => writeFile(file, JSON.stringify(config))

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'shoal-flags-'))
    file = join(directory, 'daemon.json')
    await configure({ labels: ['rack=7'], 'registry-mirrors': ['http://127.0.0.1:9'] })
    engine = await startShoalEngine(['--config-file', file, ...FLAGS])
    client = createDockerClient(engine.host, { clock: systemClock })
    await client.images.load(Readable.from([await busyboxArchive()]), soon())
  })
  afterAll(async () => {
    client?.close()
    await engine?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const output = async (script: string, HostConfig: HostConfig = {}): Promise<string> => {
    const { Id } = await client.containers.create({ Image: 'busybox:test', Cmd: ['sh', '-c', script], HostConfig }, {})
    await client.containers.start(Id)
    await client.containers.wait(Id, { condition: 'not-running' }, soon())
    const all = { stdout: true, stderr: true, follow: false }
    const chunks = await Array.fromAsync(client.containers.logs(Id, all, soon()))
    return chunks.map(({ data }) => data.toString()).join('')
  }
  const SECURITY = "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status"

  it('gives containers what they do not say themselves', async () => {
    expect(await output('cat /etc/resolv.conf; ulimit -n; df -k /dev/shm | tail -1')).toMatch(
      /^search example\.org\nnameserver 9\.9\.9\.9\noptions ndots:3\n321\nshm +3072 /,
    )
    expect(await output(SECURITY)).toBe('NoNewPrivs:\t1\nSeccomp:\t0\n')
    const own = { SecurityOpt: ['seccomp=builtin', 'no-new-privileges=false'], Dns: ['1.1.1.1'] }
    expect(await output(`${SECURITY}; grep nameserver /etc/resolv.conf`, own)).toBe(
      'NoNewPrivs:\t0\nSeccomp:\t2\nnameserver 1.1.1.1\n',
    )
  })

  it('writes down what Docker does, and no more', async () => {
    const { Id } = await client.containers.create({ Image: 'busybox:test' }, {})
    const { HostConfig } = await client.containers.inspect(Id)
    expect(HostConfig).toMatchObject({
      ShmSize: 3 * 2 ** 20,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '2m' } },
      Ulimits: null,
      SecurityOpt: null,
    })
  })

  it('makes networks as it was told', async () => {
    const { Options } = await client.networks.inspect('bridge')
    expect(Options).toMatchObject({
      'com.docker.network.bridge.enable_icc': 'false',
      'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1',
    })
    const { Id } = await client.networks.create({ Name: 'pooled' })
    expect((await client.networks.inspect(Id)).IPAM.Config?.[0]?.Subnet).toBe('10.245.0.0/24')
  })

  it('tells of its settings, and takes changed ones over when it is told to', async () => {
    expect(await client.info()).toMatchObject({
      Debug: false,
      Labels: ['rack=7'],
      RegistryConfig: { Mirrors: ['http://127.0.0.1:9'] },
      DefaultAddressPools: [{ Base: '10.245.0.0/16', Size: 24 }],
      SecurityOptions: expect.arrayContaining(['name=seccomp,profile=unconfined', 'name=no-new-privileges']),
    })
    const events = client.events({ sinceMs: systemClock.nowMs(), filters: { type: ['daemon'] } }, soon())
    const reloaded = events[Symbol.asyncIterator]().next()
    await configure({ labels: ['rack=8', 'disk=ssd'], debug: true, 'insecure-registries': ['r:5000'] })
    process.kill(engine.pid(), 'SIGHUP')
    expect((await reloaded).value).toMatchObject({ Action: 'reload', Actor: { Attributes: { debug: 'true' } } })
    const { Debug, Labels, RegistryConfig } = await client.info()
    expect([Debug, Labels, RegistryConfig?.Mirrors]).toEqual([true, ['rack=8', 'disk=ssd'], []])
    expect(RegistryConfig?.IndexConfigs).toHaveProperty('r:5000')
  })
})
