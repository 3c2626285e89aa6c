import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { command, until } from '../../scripts/lib/command.ts'
import { Hosts } from '../../scripts/lib/hosts.ts'
import { type BenchRow, percentile } from './report.ts'

const SAMPLES = 40
const WARM_UP = 5
const IMAGE = 'bench/busybox:1'

interface Engine {
  readonly call: (method: string, path: string, body?: string | Buffer) => Promise<unknown>
}

/** One keep-alive client of an engine's unix socket. */
function connect(socketPath: string): Engine {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  return {
    call: (method, path, body) =>
      new Promise((done, fail) => {
        const type = typeof body === 'string' ? 'application/json' : 'application/x-tar'
        const headers = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }
        const outgoing = request({ socketPath, method, path, agent, headers }, response => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString()
            if ((response.statusCode ?? 500) >= 400) return fail(new Error(`${method} ${path}: ${text}`))
            done(text.startsWith('{') ? parseFirst(text) : text)
          })
        })
        outgoing.on('error', fail)
        outgoing.end(body)
      }),
  }
}

/** The answer of a call; of a stream of messages, nothing is needed. */
function parseFirst(text: string): unknown {
  return text.includes('}\n{') || text.includes('}\r\n{') ? undefined : JSON.parse(text)
}

/** A docker-archive of one layer with busybox, made with tar alone so that neither engine's own code made it. */
async function busyboxArchive(directory: string): Promise<string> {
  const root = join(directory, 'root')
  mkdirSync(join(root, 'bin'), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  chmodSync(join(root, 'bin/busybox'), 0o755)
  for (const name of ['sh', 'sleep', 'true']) symlinkSync('busybox', join(root, 'bin', name))
  await command(['tar', '-C', root, '-cf', join(directory, 'layer.tar'), '.'])
  const layer = (await command(['sha256sum', join(directory, 'layer.tar')])).slice(0, 64)
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: { Cmd: ['sleep', '1000'], Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'bench' }],
  }
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config))
  writeFileSync(
    join(directory, 'manifest.json'),
    JSON.stringify([{ Config: 'config.json', RepoTags: [IMAGE], Layers: ['layer.tar'] }]),
  )
  await command([
    'tar',
    '-C',
    directory,
    '-cf',
    join(directory, 'image.tar'),
    'manifest.json',
    'config.json',
    'layer.tar',
  ])
  return join(directory, 'image.tar')
}

async function createAndStart(engine: Engine, networkMode: string): Promise<number> {
  const body = JSON.stringify({ Image: IMAGE, Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: networkMode } })
  const from = performance.now()
  const { Id } = (await engine.call('POST', '/v1.41/containers/create', body)) as { Id: string }
  await engine.call('POST', `/v1.41/containers/${Id}/start`)
  const took = performance.now() - from
  await engine.call('DELETE', `/v1.41/containers/${Id}?force=1`)
  return took
}

async function startTimes(engine: Engine, networkMode: string): Promise<number[]> {
  const samples: number[] = []
  for (let round = 0; round < WARM_UP + SAMPLES; round++) {
    const took = await createAndStart(engine, networkMode)
    if (round >= WARM_UP) samples.push(took)
  }
  return samples
}

/** Containers started, waited for and removed, 8 at a time: how many a second. */
async function throughput(engine: Engine, count: number): Promise<number> {
  let next = 0
  const from = performance.now()
  const worker = async (): Promise<void> => {
    while (next++ < count) {
      const body = JSON.stringify({ Image: IMAGE, Cmd: ['true'], HostConfig: { NetworkMode: 'bridge' } })
      const { Id } = (await engine.call('POST', '/v1.41/containers/create', body)) as { Id: string }
      await engine.call('POST', `/v1.41/containers/${Id}/start`)
      await engine.call('POST', `/v1.41/containers/${Id}/wait`)
      await engine.call('DELETE', `/v1.41/containers/${Id}`)
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  return (count / (performance.now() - from)) * 1_000
}

/** The floor: one `runc run` of the same root, in a new process each time. */
function runcTimes(directory: string): number[] {
  const bundle = join(directory, 'bundle')
  mkdirSync(bundle)
  spawnSync('runc', ['spec'], { cwd: bundle })
  const root = join(directory, 'root')
  writeFileSync(join(bundle, 'config.json'), specFor(join(bundle, 'config.json'), root))
  return Array.from({ length: SAMPLES }, (_, index) => {
    const from = performance.now()
    const { status, stderr } = spawnSync('runc', [
      '--root',
      join(directory, 'runc'),
      'run',
      '--bundle',
      bundle,
      `bench-${process.pid}-${index}`,
    ])
    if (status !== 0) throw new Error(`runc run failed: ${String(stderr)}`)
    return performance.now() - from
  })
}

/** runc's own default spec, running `true` in our root. */
function specFor(file: string, root: string): string {
  const spec = JSON.parse(readFileSync(file, 'utf8'))
  spec.root = { path: root, readonly: false }
  spec.process = { ...spec.process, terminal: false, args: ['true'], env: ['PATH=/bin'] }
  return JSON.stringify(spec)
}

async function withShoal<T>(hosts: Hosts, archive: Buffer, use: (engine: Engine) => Promise<T>): Promise<T> {
  await hosts.start('shoal', '10.215.0.11')
  const data = hosts.dataDirectory('shoal')
  const socket = join(data, 'engine.sock')
  const flags = [
    '--data-root',
    join(data, 'lib'),
    '--exec-root',
    join(data, 'run'),
    '--cgroup-parent',
    hosts.cgroupParent('shoal'),
  ]
  hosts.spawn('shoal', 'engine', [
    resolve('bin/shoal'),
    'engine',
    '-H',
    `unix://${socket}`,
    '--pidfile',
    join(data, 'engine.pid'),
    ...flags,
  ])
  return useEngine(socket, archive, use)
}

async function withDocker<T>(hosts: Hosts, archive: Buffer, use: (engine: Engine) => Promise<T>): Promise<T> {
  await hosts.start('docker', '10.215.0.12')
  const data = hosts.dataDirectory('docker')
  const socket = join(data, 'docker.sock')
  const flags = [
    '--data-root',
    join(data, 'lib'),
    '--exec-root',
    join(data, 'run'),
    '--cgroup-parent',
    hosts.cgroupParent('docker'),
  ]
  hosts.spawn('docker', 'dockerd', [
    'dockerd',
    '-H',
    `unix://${socket}`,
    '--pidfile',
    join(data, 'docker.pid'),
    ...flags,
  ])
  return useEngine(socket, archive, use)
}

async function useEngine<T>(socket: string, archive: Buffer, use: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = connect(socket)
  await until(`the engine at ${socket}`, () => engine.call('GET', '/_ping').then(() => true))
  await engine.call('POST', '/v1.41/images/load', archive)
  return use(engine)
}

interface EngineFigures {
  readonly bridge: number[]
  readonly none: number[]
  readonly perSecond: number
}

async function measure(engine: Engine): Promise<EngineFigures> {
  return {
    bridge: await startTimes(engine, 'bridge'),
    none: await startTimes(engine, 'none'),
    perSecond: await throughput(engine, 100),
  }
}

/** Create + start through the API of the embedded engine, beside bare `runc run` and, where installed, Docker Engine. */
export async function run(): Promise<BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-bench-'))
  const hosts = new Hosts({ directory: join(directory, 'hosts'), bridge: 'shoal-bench', gateway: '10.215.0.1' })
  try {
    await hosts.open()
    const archive = readFileSync(await busyboxArchive(directory))
    const shoal = await withShoal(hosts, archive, measure)
    const docker = existsSync('/usr/sbin/dockerd') ? await withDocker(hosts, archive, measure) : undefined
    return rows(shoal, docker, runcTimes(directory))
  } finally {
    await hosts.removeAll()
    rmSync(directory, { recursive: true, force: true })
  }
}

function rows(shoal: EngineFigures, docker: EngineFigures | undefined, runc: readonly number[]): BenchRow[] {
  const peer = (value: number | undefined) => (value === undefined ? {} : { peer: { name: 'Docker Engine', value } })
  const row = (network: 'bridge' | 'none', share: number, budget?: string): BenchRow => ({
    name: `create + start, ${network === 'none' ? 'no' : 'bridge'} network, p${share * 100}`,
    value: percentile(shoal[network], share),
    unit: 'ms',
    ...(budget === undefined ? {} : { budget }),
    ...peer(docker === undefined ? undefined : percentile(docker[network], share)),
  })
  return [
    row('bridge', 0.5, '<= 35 ms, 6x Docker'),
    row('bridge', 0.99),
    row('none', 0.5),
    row('none', 0.99),
    {
      name: 'create + start, no network, p50, beside bare runc run',
      value: percentile(shoal.none, 0.5),
      unit: 'ms',
      peer: { name: 'runc run', value: percentile(runc, 0.5) },
    },
    {
      name: 'started, waited for and removed, 8 at a time',
      value: shoal.perSecond,
      unit: '/s',
      budget: '>= 35 /s',
      ...peer(docker?.perSecond),
    },
  ]
}
