import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { command, until } from '../../../scripts/lib/command.ts'
import { Hosts } from '../../../scripts/lib/hosts.ts'
import { signalQuietly } from '../../../scripts/lib/processes.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { TaskRecord, TaskStatus } from '../../../src/core/model/task.ts'
import { newHexId, pickIndex, systemRandom } from '../../../src/core/random.ts'
import {
  clusterKeys,
  createEtcdStore,
  type EtcdProcess,
  networkCodec,
  type Store,
  startEtcd,
  taskCodec,
  taskStatusCodec,
} from '../../../src/discovery/index.ts'
import { createDockerClient, type DockerClient } from '../../../src/docker-api/index.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { networkRecord } from '../../support/tasks.ts'

const AGENT = /\bnode\b.*\bjoin\b.*--advertise/
export const KEYS = clusterKeys('lab')

/** Hosts with real agents on real runc, and a real etcd on this machine's end of their wire. */
export class AgentLab {
  readonly #tag = newHexId(systemRandom).slice(0, 5)
  readonly #directory = mkdtempSync(join(tmpdir(), 'shoal-agent-'))
  readonly #subnet = `10.${100 + pickIndex(systemRandom, 100)}.${pickIndex(systemRandom, 250)}`
  readonly hosts = new Hosts({
    directory: join(this.#directory, 'hosts'),
    bridge: `sha${this.#tag}`,
    gateway: `${this.#subnet}.1`,
  })
  readonly #clients = new Map<string, DockerClient>()
  #etcd: EtcdProcess | undefined
  #store: Store | undefined

  get store(): Store {
    if (this.#store === undefined) throw new Error('The lab is not open')
    return this.#store
  }

  async open(): Promise<void> {
    await this.hosts.open()
    await this.startEtcd()
    const network = networkRecord()
    await this.store.txn([], [{ put: KEYS.network(network.name), value: networkCodec.encode(network) }])
  }

  async startEtcd(): Promise<void> {
    const ports = { clientPort: 2379, peerPort: 2380 }
    this.#etcd = await startEtcd({ dataDir: this.#directory, clock: systemClock, host: `${this.#subnet}.1`, ...ports })
    this.#store ??= createEtcdStore({ endpoints: [this.#etcd.endpoint], clock: systemClock })
  }

  async stopEtcd(): Promise<void> {
    await this.#etcd?.stop()
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.close()
    await this.#store?.close()
    await this.stopEtcd()
    await this.hosts.removeAll()
    await command(['rm', '-rf', this.#directory])
  }

  address(name: string): string {
    return `${this.#subnet}.${10 + Number(name.slice(1))}`
  }

  /** The Docker Engine API of a node's agent. */
  engine(name: string): DockerClient {
    const client =
      this.#clients.get(name) ?? createDockerClient(`tcp://${this.address(name)}:2375`, { clock: systemClock })
    this.#clients.set(name, client)
    return client
  }

  async boot(name: string): Promise<void> {
    await this.hosts.start(name, this.address(name))
    await this.join(name)
    await this.present(name)
  }

  /** Starts the agent of a host. */
  async join(name: string, extra: readonly string[] = []): Promise<void> {
    this.hosts.spawn(name, 'agent', this.joinCommand(name, extra))
  }

  joinCommand(name: string, extra: readonly string[] = []): string[] {
    const place = [
      '--data-root',
      join(this.hosts.dataDirectory(name), 'lib'),
      '--cgroup-parent',
      this.hosts.cgroupParent(name),
    ]
    const url = `etcd://${this.#subnet}.1:2379/lab`
    const identity = ['--name', name, '--advertise', `${this.address(name)}:2375`, '--insecure']
    return [process.execPath, resolve('src/main/cli.ts'), 'swarm', 'join', ...identity, ...place, ...extra, url]
  }

  leaveCommand(name: string, extra: readonly string[] = []): string[] {
    const dataRoot = ['--data-root', join(this.hosts.dataDirectory(name), 'lib')]
    return [process.execPath, resolve('src/main/cli.ts'), 'swarm', 'leave', ...dataRoot, ...extra]
  }

  present(name: string): Promise<unknown> {
    return this.until(`node ${name} to be a member`, () => this.store.get(KEYS.member(name)), name)
  }

  /** Gives a node the test image. */
  async load(name: string, image = 'busybox:test'): Promise<void> {
    const archive = await busyboxArchive({ name: image })
    await this.engine(name).images.load(Readable.from([archive]), AbortSignal.timeout(60_000))
  }

  async assign(task: TaskRecord): Promise<void> {
    await this.store.txn([], [{ put: KEYS.task(task.node, task.id), value: taskCodec.encode(task) }])
  }

  async withdraw(node: string, id: string): Promise<void> {
    await this.store.txn([], [{ delete: KEYS.task(node, id) }, { delete: KEYS.statusOf(node, id) }])
  }

  async status(node: string, id: string): Promise<TaskStatus | undefined> {
    const found = await this.store.get(KEYS.statusOf(node, id))
    return found === undefined ? undefined : taskStatusCodec.decode(found.value)
  }

  /** Waits for a status; a failure shows the agent's log. */
  reaches(node: string, id: string, isIt: (status: TaskStatus) => boolean): Promise<TaskStatus> {
    let last: TaskStatus | undefined
    return this.until(
      `task ${id} on ${node}`,
      async () => {
        last = await this.status(node, id)
        return last !== undefined && isIt(last) ? last : undefined
      },
      node,
      () => JSON.stringify(last),
    )
  }

  async until<T>(what: string, ask: () => Promise<T | undefined>, node: string, more = () => ''): Promise<T> {
    try {
      return await until(what, ask, { timeoutMs: 30_000, everyMs: 50 })
    } catch (cause) {
      throw new Error(`Waited in vain for ${what}: ${more()}\n${this.log(node)}`, { cause })
    }
  }

  log(name: string): string {
    return readFileSync(this.hosts.logFile(name, 'agent'), 'utf8').slice(-4_000)
  }

  agentPid(name: string): number | undefined {
    return this.hosts.pids(name, AGENT).at(-1)
  }

  async endAgent(name: string, signal: NodeJS.Signals): Promise<void> {
    for (const pid of this.hosts.pids(name, AGENT)) signalQuietly(pid, signal)
    await until(`the agent on ${name} to end`, async () => (this.hosts.isSpawned(name, 'agent') ? undefined : true))
  }
}
