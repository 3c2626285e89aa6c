import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { times } from './engine/client.ts'
import { type BenchRow, percentile } from './report.ts'

const CONTAINERS_A_NODE = 30
/** `BENCH_NODES=100`: only so many. */
const SIZES = process.env['BENCH_NODES'] ? [Number(process.env['BENCH_NODES'])] : [100, 1_000]
const CONCURRENCIES = [1, 8, 64] as const
const LISTS = 40
const CREATES = 192
const IDLE_MS = 20_000
const TICKS_PER_SECOND = 100

interface Budgets {
  readonly list?: string
  readonly run?: Readonly<Record<number, string>>
  readonly sync?: string
  readonly idle?: string
  readonly memory?: string
}

/** Of design.md; those of classic Swarm on this machine stand beside them. */
const BUDGETS: Readonly<Record<number, Budgets>> = {
  100: { memory: '<= 250 MB at 300 nodes' },
  1000: {
    list: 'p50 <= 60 ms (classic Swarm: 180 ms)',
    run: { 1: 'p50 <= 10 ms, p99 <= 40 ms (classic Swarm: 59/119 ms)', 8: '>= 500/s at 16 (classic Swarm: 14/s)' },
    sync: '<= 5 s',
    idle: '<= 1 %',
  },
}

/** A manager over simulated nodes that speak HTTP: what `docker ps` and `docker run` wait for, and what it takes. */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const nodes of SIZES) rows.push(...(await measure(nodes)))
  return rows
}

async function measure(nodes: number): Promise<BenchRow[]> {
  const budgets = BUDGETS[nodes] ?? {}
  const children: ChildProcess[] = []
  const start = (args: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    children.push(child)
    return child
  }
  try {
    const fleet = start([resolve('test/bench/manager/fleet-program.ts'), String(nodes), String(CONTAINERS_A_NODE)])
    const [port] = (await once(fleet.stdout as NodeJS.EventEmitter, 'data')) as [Buffer]
    const api = await freePort()
    const from = performance.now()
    const manager = start([
      resolve('src/main/cli.ts'),
      'swarm',
      'manage',
      '--log-level',
      'error',
      '-H',
      `tcp://127.0.0.1:${api}`,
      discovery(nodes, Number(port.toString())),
    ])
    manager.stdout?.resume()
    const first = new Client(api)
    const where = `${nodes} nodes, ${nodes * CONTAINERS_A_NODE} containers`
    await untilListed(first, nodes * CONTAINERS_A_NODE)
    const rows: BenchRow[] = [
      row(`${where}: first sync, from the start of the program`, (performance.now() - from) / 1_000, 's', budgets.sync),
    ]
    await new Promise(done => setTimeout(done, 12_000))
    const ticks = cpuTicks(manager)
    await new Promise(done => setTimeout(done, IDLE_MS))
    const idle = ((cpuTicks(manager) - ticks) / TICKS_PER_SECOND / (IDLE_MS / 1_000)) * 100
    rows.push(row(`${where}: manager at rest, share of a core`, idle, '%', budgets.idle))
    rows.push(row(`${where}: manager at rest, resident memory`, residentMib(manager), 'MiB', budgets.memory))
    first.close()
    const client = new Client(api)
    for (const concurrency of CONCURRENCIES) rows.push(...(await lists(client, where, concurrency, budgets)))
    for (const concurrency of CONCURRENCIES) rows.push(...(await runs(client, where, concurrency, budgets)))
    rows.push(row(`${where}: manager after all of it, resident memory`, residentMib(manager), 'MiB'))
    client.close()
    return rows
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map(async child => child.exitCode ?? child.signalCode ?? (await once(child, 'exit'))))
  }
}

async function lists(client: Client, where: string, concurrency: number, budgets: Budgets): Promise<BenchRow[]> {
  const samples = await times(LISTS * Math.min(concurrency, 8), concurrency, () =>
    client.timed('GET', '/v1.41/containers/json?all=1'),
  )
  const what = `${where}: docker ps, ${concurrency} at a time`
  return [
    row(`${what}, p50`, percentile(samples, 0.5), 'ms', concurrency === 1 ? budgets.list : undefined),
    row(`${what}, p99`, percentile(samples, 0.99), 'ms'),
  ]
}

/** Creates and starts, as `docker run` does. */
async function runs(client: Client, where: string, concurrency: number, budgets: Budgets): Promise<BenchRow[]> {
  const from = performance.now()
  const samples = await times(CREATES, concurrency, async () => {
    const began = performance.now()
    const { Id } = (await client.call('POST', '/v1.41/containers/create', { Image: 'app:1', Cmd: ['x'] })) as {
      Id: string
    }
    const created = performance.now()
    await client.call('POST', `/v1.41/containers/${Id}/start`)
    return { create: created - began, run: performance.now() - began }
  })
  const rate = (CREATES / (performance.now() - from)) * 1_000
  const what = `${where}: docker run, ${concurrency} at a time`
  const share = (of: 'create' | 'run', value: number): number =>
    percentile(
      samples.map(sample => sample[of]),
      value,
    )
  return [
    row(`${what}, create, p50`, share('create', 0.5), 'ms'),
    row(`${what}, create, p99`, share('create', 0.99), 'ms'),
    row(`${what}, create and start, p50`, share('run', 0.5), 'ms', concurrency === 1 ? budgets.run?.[1] : undefined),
    row(`${what}, create and start, p99`, share('run', 0.99), 'ms'),
    row(`${what}, rate`, rate, '/s', budgets.run?.[concurrency === 1 ? 0 : 8]),
  ]
}

function row(name: string, value: number, unit: string, budget?: string): BenchRow {
  return { name, value, unit, ...(budget === undefined ? {} : { budget }) }
}

/** Ranges of addresses, as classic Swarm's discovery writes them. */
function discovery(nodes: number, port: number): string {
  const ranges = Array.from({ length: Math.ceil(nodes / 250) }, (_, index) => {
    const last = Math.min(250, nodes - index * 250)
    return last === 1 ? `127.1.${index}.1:${port}` : `127.1.${index}.[1:${last}]:${port}`
  })
  return `nodes://${ranges.join(',')}`
}

async function untilListed(client: Client, containers: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    try {
      const listed = (await client.call('GET', '/v1.41/containers/json?all=1')) as readonly object[]
      if (listed.length >= containers) return
    } catch {
      // It does not listen yet.
    }
    await new Promise(done => setTimeout(done, 100))
  }
  throw new Error(`the manager has not listed ${containers} containers within a minute`)
}

class Client {
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 64, timeout: 60_000 })
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  async call(method: string, path: string, body?: object): Promise<unknown> {
    const answer = (await this.#exchange(method, path, body)).toString()
    return answer === '' ? undefined : (JSON.parse(answer) as unknown)
  }

  /** Milliseconds to the last byte. */
  async timed(method: string, path: string): Promise<number> {
    const from = performance.now()
    await this.#exchange(method, path)
    return performance.now() - from
  }

  close(): void {
    this.#agent.destroy()
  }

  async #exchange(method: string, path: string, body?: object): Promise<Buffer> {
    const sent = request({
      port: this.#port,
      host: '127.0.0.1',
      agent: this.#agent,
      method,
      path,
      headers: { 'content-type': 'application/json' },
    })
    // Told by the answer, or its body; a connection may fail twice.
    sent.on('error', () => {})
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const bytes = await buffer(answer)
    if ((answer.statusCode ?? 500) >= 400) throw new Error(`${method} ${path}: ${bytes.toString()}`)
    return bytes
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function cpuTicks({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

function residentMib({ pid }: ChildProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}
