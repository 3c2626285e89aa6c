import type { Clock } from '../../src/core/clock.ts'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { MemberRecord } from '../../src/core/model/node.ts'
import type { ProjectSpec, ServiceSpec } from '../../src/core/model/service.ts'
import {
  isTerminal,
  type LastEnd,
  type TaskRecord,
  type TaskState,
  type TaskStatus,
} from '../../src/core/model/task.ts'
import { seededRandom } from '../../src/core/random.ts'
import {
  CachedPrefix,
  clusterKeys,
  createMemoryStore,
  memberCodec,
  type Store,
  taskCodec,
} from '../../src/discovery/index.ts'
import type { Engine } from '../../src/docker-api/index.ts'
import { createManager, type Manager, type ManagerOptions } from '../../src/manager/index.ts'
import type { Standalone } from '../../src/manager/model/standalone.ts'

export const keys = clusterKeys('test')

export function serviceSpec(name: string, more: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name,
    replicas: 1,
    container: { image: 'busybox' },
    limits: {},
    reservations: {},
    constraints: [],
    networks: [],
    ports: [],
    restart: { condition: 'on-failure', delayMs: 1_000 },
    dependsOn: [],
    ...more,
  }
}

export function projectSpec(
  name: string,
  services: readonly ServiceSpec[],
  more: Partial<ProjectSpec> = {},
): ProjectSpec {
  return { name, services, networks: [], volumes: [], ...more }
}

export function memberRecord(name: string, more: Partial<MemberRecord> = {}): MemberRecord {
  const address = `10.0.0.${Number(name.replace(/\D/g, '')) || 1}`
  return {
    name,
    id: `id-${name}`,
    apiAddress: `${address}:2375`,
    address,
    nanoCpus: 4e9,
    memoryBytes: 8 * 1024 ** 3,
    platform: { os: 'linux', arch: 'amd64', kernel: '6.1', operatingSystem: 'Debian' },
    engineVersion: '0.1.0',
    storageDriver: 'overlay2',
    labels: {},
    bootId: 'boot',
    epoch: 1,
    startedAtMs: 0,
    ...more,
  }
}

/** What a fake container of a task does: how long it takes to run, and how it goes on. */
export type Script = (task: TaskRecord) => {
  readonly startMs?: number
  readonly ends?: 'complete' | 'failed'
  readonly afterMs?: number
  readonly lastEnd?: LastEnd
}

/** An agent without an engine: it reports what a real one would, on the virtual clock. */
export class FakeAgent {
  readonly #clock: Clock
  readonly #store: Store
  readonly #name: string
  readonly #script: Script
  readonly #seen: CachedPrefix<TaskRecord>
  readonly #states = new Map<string, TaskState>()
  #up = true

  constructor(clock: Clock, store: Store, name: string, script: Script) {
    this.#clock = clock
    this.#store = store
    this.#name = name
    this.#script = script
    this.#seen = new CachedPrefix({ store, prefix: keys.tasksOf(name), codec: taskCodec, clock, log: silentLog })
    this.#seen.onChange(() => this.#look())
  }

  async join(member = memberRecord(this.#name)): Promise<void> {
    const lease = await this.#store.grantLease(5_000)
    const value = memberCodec.encode(member)
    await this.#store.txn([], [{ put: keys.member(this.#name), value, lease }])
    for (const { value } of (await this.#store.list(keys.statusOf(this.#name, ''))).items) {
      const status = JSON.parse(value) as TaskStatus
      this.#states.set(status.taskId, status.state)
    }
    this.#look()
  }

  /** As by `kill -9`: the lease is left to expire. */
  async kill(): Promise<void> {
    this.#up = false
    this.#seen.close()
    await this.#store.close()
  }

  /** Tasks this agent holds to be running. */
  running(): string[] {
    return [...this.#states].filter(([, state]) => !isTerminal(state)).map(([id]) => id)
  }

  #look(): void {
    if (!this.#up) return
    for (const task of this.#seen.values()) {
      const state = this.#states.get(task.id)
      if (state === undefined && task.desired === 'running') this.#start(task)
      if (state === undefined && task.desired === 'stopped') this.#report(task, 'stopped')
      if (state !== undefined && !isTerminal(state) && task.desired === 'stopped') {
        this.#clock.setTimer(100, () => this.#report(task, 'stopped'))
      }
    }
  }

  #start(task: TaskRecord): void {
    const { startMs = 100, ends, afterMs = 0 } = this.#script(task)
    this.#report(task, 'preparing')
    this.#clock.setTimer(startMs, () => {
      this.#report(task, 'running')
      if (ends !== undefined) this.#clock.setTimer(afterMs, () => this.#report(task, ends))
    })
  }

  #report(task: TaskRecord, state: TaskState): void {
    const before = this.#states.get(task.id)
    if (!this.#up || (before !== undefined && isTerminal(before))) return
    this.#states.set(task.id, state)
    const nowMs = this.#clock.nowMs()
    const { lastEnd } = this.#script(task)
    const status: TaskStatus = {
      taskId: task.id,
      node: this.#name,
      state,
      health: 'none',
      restarts: 0,
      addresses: {},
      ports: [],
      updatedAtMs: nowMs,
      ...(state === 'preparing' ? {} : { startedAtMs: nowMs }),
      ...(isTerminal(state) ? { finishedAtMs: nowMs } : {}),
      ...(lastEnd === undefined ? {} : { lastEnd }),
    }
    const put = { put: keys.statusOf(this.#name, task.id), value: JSON.stringify(status) }
    const key = keys.task(this.#name, task.id)
    this.#store.txn([{ key, exists: true }], [put]).catch(() => {})
  }
}

export interface World {
  readonly clock: ManualClock
  readonly store: ReturnType<typeof createMemoryStore>
  readonly manager: Manager
  readonly agents: Map<string, FakeAgent>
  readonly addManager: (options?: Partial<ManagerOptions>) => { manager: Manager; stop: () => void }
  readonly addNode: (name: string, script?: Script) => Promise<FakeAgent>
  /** Moves virtual time forward. */
  readonly pass: (ms: number) => Promise<void>
  /** Live tasks as `service.slot@node`, sorted. */
  readonly live: () => string[]
  readonly removedVolumes: string[]
  readonly close: () => Promise<void>
}

export async function makeWorld(
  nodes: readonly string[],
  script: Script = () => ({}),
  standalone?: Standalone,
): Promise<World> {
  const clock = new ManualClock()
  const store = createMemoryStore({ clock })
  const agents = new Map<string, FakeAgent>()
  const removedVolumes: string[] = []
  const stops: (() => void)[] = []
  const engines = (member: MemberRecord): Engine =>
    ({
      volumes: {
        remove: (name: string) => {
          removedVolumes.push(`${member.name}/${name}`)
          return Promise.resolve()
        },
      },
    }) as unknown as Engine
  const addManager = (options: Partial<ManagerOptions> = {}) => {
    const manager = createManager(
      { id: `m${stops.length}`, address: `10.0.0.1:${3375 + stops.length}`, ...options },
      { store: store.connect(), keys, clock, random: seededRandom(7 + stops.length), log: silentLog, engines },
    )
    if (standalone !== undefined) manager.placeBeside(standalone)
    const controller = new AbortController()
    const done = manager.run(controller.signal)
    done.catch(() => {})
    const stop = (): void => controller.abort()
    stops.push(stop)
    return { manager, stop }
  }
  const addNode = async (name: string, how: Script = script): Promise<FakeAgent> => {
    const agent = new FakeAgent(clock, store.connect(), name, how)
    agents.set(name, agent)
    await agent.join()
    return agent
  }
  const { manager } = addManager()
  for (const node of nodes) await addNode(node)
  const pass = (ms: number): Promise<void> => clock.advance(ms)
  await pass(1_000)
  return {
    clock,
    store,
    manager,
    agents,
    addManager,
    addNode,
    pass,
    removedVolumes,
    live: () => liveTasks(manager),
    async close() {
      for (const stop of stops) stop()
      await store.close()
    },
  }
}

export function liveTasks(manager: Manager): string[] {
  const { tasks, status } = manager.snapshot()
  return [...tasks.values()]
    .filter(({ value }) => value.desired === 'running' && !isTerminal(status.get(value.id)?.value.state ?? 'pending'))
    .map(({ value }) => `${value.service}.${value.slot}@${value.node ?? '-'}`)
    .sort()
}

export const APPLY = { dryRun: false, forceRecreate: false, removeOrphans: false }
