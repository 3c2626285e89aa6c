import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../../../src/core/clock.ts'
import { type EtcdProcess, startEtcd } from '../../../src/discovery/index.ts'

const TICKS_PER_SECOND = 100

/** What a process has used, and said, until now. */
export interface Usage {
  readonly cpuMs: number
  /** Both ways. */
  readonly storeBytes: number
  readonly nodeBytes: number
}

/** How the manager learns of its nodes: they register in a store under a lease, as agents do, or they are listed by hand. */
export type Membership = 'leases' | 'list'

/** A manager, started as its users start it, over simulated nodes; each of them, the store and whoever asks is a process of its own. */
export class MeasuredCluster {
  readonly #directory = mkdtempSync(join(tmpdir(), 'shoal-bench-'))
  readonly #children: ChildProcess[] = []
  #etcd: EtcdProcess | undefined
  #manager: ChildProcess | undefined
  #fleet: ChildProcess | undefined
  /** Of the manager's API. */
  port = 0
  startedAtMs = 0

  /** Resolves when the manager was started, long before it listens. */
  async start(nodes: number, containersEach: number, membership: Membership): Promise<void> {
    this.#etcd = await startEtcd({ dataDir: this.#directory, clock: systemClock })
    const store = membership === 'leases' ? [this.#etcd.endpoint] : []
    this.#fleet = this.#spawn(process.execPath, [
      resolve('test/bench/manager/fleet-program.ts'),
      String(nodes),
      String(containersEach),
      ...store,
    ])
    const [said] = (await once(this.#fleet.stdout as NodeJS.EventEmitter, 'data')) as [Buffer]
    this.port = await freePort()
    this.startedAtMs = performance.now()
    const cluster =
      membership === 'leases' ? `etcd://${this.#etcd.endpoint}/bench` : listed(nodes, Number(said.toString()))
    const flags = ['--log-level', 'error', '-H', `tcp://127.0.0.1:${this.port}`]
    this.#manager = this.#spawn(resolve('bin/shoal'), ['swarm', 'manage', ...flags, cluster])
    this.#manager.stdout?.resume()
  }

  /** The port of a server that answers with so many bytes, and does nothing else. */
  async bareServer(bytes: number): Promise<number> {
    const server = this.#spawn(process.execPath, [resolve('test/bench/manager/bare-program.ts'), String(bytes)])
    const [said] = (await once(server.stdout as NodeJS.EventEmitter, 'data')) as [Buffer]
    return Number(said.toString())
  }

  async usage(): Promise<Usage> {
    const pid = this.#manager?.pid
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    this.#fleet?.send('bytes')
    const [nodeBytes] = this.#fleet === undefined ? [0] : ((await once(this.#fleet, 'message')) as [number])
    return {
      cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND,
      storeBytes: this.#storeBytes(),
      nodeBytes,
    }
  }

  residentMib(): number {
    const status = readFileSync(`/proc/${this.#manager?.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024
  }

  async stop(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    const ended = this.#children.map(async child => child.exitCode ?? child.signalCode ?? (await once(child, 'exit')))
    await Promise.all(ended)
    await this.#etcd?.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** What the kernel has counted on the manager's connections to the store. */
  #storeBytes(): number {
    const port = this.#etcd?.endpoint.split(':')[1] ?? ''
    const told = execFileSync('ss', ['-tinHp', 'dst', `127.0.0.1:${port}`], { encoding: 'utf8' })
    const ours = told.split(/\n(?=\S)/).filter(connection => connection.includes(`pid=${this.#manager?.pid},`))
    const counts = ours.flatMap(connection => [...connection.matchAll(/bytes_(?:acked|received):(\d+)/g)])
    return counts.reduce((sum, [, bytes]) => sum + Number(bytes), 0)
  }

  #spawn(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    this.#children.push(child)
    return child
  }
}

/** Ranges of addresses, as classic Swarm's discovery writes them. */
function listed(nodes: number, port: number): string {
  const ranges = Array.from({ length: Math.ceil(nodes / 250) }, (_, index) => {
    const last = Math.min(250, nodes - index * 250)
    return last === 1 ? `127.1.${index}.1:${port}` : `127.1.${index}.[1:${last}]:${port}`
  })
  return `nodes://${ranges.join(',')}`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
