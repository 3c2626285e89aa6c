import { errorMessage } from '../core/errors.ts'
import type { NetworkRecord, VolumeRecord } from '../core/model/node.ts'
import type { TaskRecord } from '../core/model/task.ts'
import { newHexId } from '../core/random.ts'
import { CachedPrefix, type Codec, networkCodec, taskCodec, volumeCodec } from '../discovery/index.ts'
import { EndpointPublisher } from './endpoint-publisher.ts'
import { admit } from './membership/admission.ts'
import { joinCluster } from './membership/cluster-identity.ts'
import { toMemberRecord } from './membership/member-record.ts'
import { Registration } from './membership/registration.ts'
import { waitForAnswer } from './membership/wait-for-answer.ts'
import type { AgentMemory, AgentOptions, AgentPorts } from './ports.ts'
import { ContainerWatcher } from './tasks/container-watcher.ts'
import { ControlLoop, type Observation } from './tasks/control-loop.ts'
import { createExecutors } from './tasks/executors.ts'
import { StatusReporter } from './tasks/status-reporter.ts'

export interface Agent {
  /**
   * Joins the cluster and converges this node's tasks until `signal` is aborted. Containers keep running afterwards, and
   * the membership expires by itself, so that a restarted agent goes unnoticed.
   *
   * Throws NODE_NAME_TAKEN (another node has the name), ID_DUPLICATED (another node is a copy, or has the engine) and FOREIGN_CLUSTER (the data directory belongs to another
   * cluster). A store or an engine that is away is waited for.
   */
  readonly run: (signal: AbortSignal) => Promise<void>
}

const TTL_MS = 5_000
const NAME_WAIT_MS = 12_000

/** The control loop of a node, on any engine, store, overlay and clock. */
export function createAgent(options: AgentOptions, ports: AgentPorts): Agent {
  return { run: signal => new NodeAgent(options, ports).run(signal) }
}

class NodeAgent {
  readonly #options: AgentOptions
  readonly #ports: AgentPorts
  readonly #watcher: ContainerWatcher
  readonly #reporter: StatusReporter
  readonly #publisher: EndpointPublisher
  readonly #loop: ControlLoop
  readonly #closing: { close: () => void }[] = []
  #memory: AgentMemory | undefined
  #tasks: CachedPrefix<TaskRecord> | undefined
  #networks: CachedPrefix<NetworkRecord> | undefined
  #volumes: CachedPrefix<VolumeRecord> | undefined
  /** The newest revision of the store that was acted on. */
  #revision = 0
  #stale: ReadonlySet<string> = new Set()
  /** Tasks that were not stale when they were first seen. */
  #admitted: ReadonlySet<string> = new Set()

  constructor(options: AgentOptions, ports: AgentPorts) {
    this.#options = options
    this.#ports = ports
    const { name } = options
    this.#watcher = new ContainerWatcher(ports, () => this.#loop.wake())
    this.#reporter = new StatusReporter(name, ports)
    this.#publisher = new EndpointPublisher(ports.overlay)
    const objects = {
      network: (id: string) => this.#networks?.get(ports.keys.network(id))?.value,
      volume: (id: string) => this.#volumes?.get(ports.keys.volume(id))?.value,
    }
    const executors = createExecutors(name, {
      ...ports,
      objects,
      watcher: this.#watcher,
      reporter: this.#reporter,
      publisher: this.#publisher,
      cancel: taskId => this.#loop.cancel(taskId),
    })
    this.#loop = new ControlLoop(name, { ...ports, executors, observe: signal => this.#observe(signal) })
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController()
    const end = AbortSignal.any([signal, stop.signal])
    const parts: Promise<void>[] = []
    try {
      parts.push(...(await this.#start(end)))
      await Promise.race(parts)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      stop.abort()
      await Promise.allSettled(parts)
      for (const part of this.#closing) part.close()
    }
  }

  /** Joins, then starts everything that runs side by side. The first part that fails ends the agent. */
  async #start(signal: AbortSignal): Promise<Promise<void>[]> {
    const { engine, clock, log } = this.#ports
    const memory = await this.#remember()
    // First: an agent that does not belong here must not be seen as a member.
    await waitForAnswer('store', () => this.#checkCluster(), this.#ports, signal)
    const info = await waitForAnswer('engine', () => engine.info(), this.#ports, signal)
    const member = toMemberRecord(this.#options, info, { memory, nowMs: clock.nowMs() })
    const { ttlMs = TTL_MS, nameWaitMs = NAME_WAIT_MS, heartbeatMs } = this.#options
    const onReturn = (): void => this.#reporter.resend()
    const registration = new Registration(
      member,
      { ttlMs, nameWaitMs, onReturn, ...(heartbeatMs === undefined ? {} : { heartbeatMs }) },
      this.#ports,
    )
    const lease = await registration.register(signal)
    log.info({ node: member.name, api: member.apiAddress, epoch: member.epoch }, 'joined')
    await waitForAnswer('store', () => this.#reporter.load(), this.#ports, signal)
    await this.#fillCaches(signal)
    this.#revision = memory.revision
    await waitForAnswer('engine', () => this.#watcher.relist(), this.#ports, signal)
    return [
      registration.keep(lease, signal),
      this.#watcher.run(signal),
      this.#reporter.run(signal),
      this.#releaseLeftovers().then(() => this.#loop.run(signal)),
    ]
  }

  async #remember(): Promise<AgentMemory> {
    const { memory, random } = this.#ports
    const before = await memory.read()
    const now = {
      ...(before ?? { id: newHexId(random), fencingToken: 0, revision: 0 }),
      epoch: (before?.epoch ?? 0) + 1,
    }
    await memory.write(now)
    this.#memory = now
    return now
  }

  async #checkCluster(): Promise<void> {
    const memory = this.#memory
    if (memory === undefined) return
    const clusterId = await joinCluster(memory.clusterId, this.#ports)
    if (clusterId === memory.clusterId) return
    this.#memory = { ...memory, clusterId }
    await this.#ports.memory.write(this.#memory)
  }

  async #fillCaches(signal: AbortSignal): Promise<void> {
    const { keys } = this.#ports
    this.#tasks = this.#follow(keys.tasksOf(this.#options.name), taskCodec)
    this.#networks = this.#follow(keys.networks, networkCodec)
    this.#volumes = this.#follow(keys.volumes, volumeCodec)
    await Promise.all([this.#tasks.ready(signal), this.#networks.ready(signal), this.#volumes.ready(signal)])
  }

  #follow<T>(prefix: string, codec: Codec<T>): CachedPrefix<T> {
    const { store, clock, log } = this.#ports
    const cache = new CachedPrefix({ store, prefix, codec, clock, log })
    cache.onChange(this.#loop.wake)
    this.#closing.push(cache)
    return cache
  }

  /** Addresses and files of a predecessor that did not live to give them back. */
  async #releaseLeftovers(): Promise<void> {
    const ours = [...(this.#tasks?.values() ?? []), ...this.#watcher.containers().map(seen => ({ id: seen.taskId }))]
    const ids = new Set(ours.map(({ id }) => id))
    try {
      await this.#ports.files?.removeAllBut(ids)
      await this.#ports.overlay.releaseAllBut(ids)
    } catch (error) {
      this.#ports.log.warn({ error: errorMessage(error) }, 'cannot give back what an earlier run held')
    }
  }

  async #observe(signal: AbortSignal): Promise<Observation | undefined> {
    if (this.#tasks === undefined) return undefined
    if (this.#tasks.revision < this.#revision) await this.#afterRestore(signal)
    this.#revision = this.#tasks.revision
    const tasks = this.#tasks.values()
    await this.#admit(tasks)
    return {
      tasks,
      containers: this.#watcher.containers(),
      reported: this.#reporter.statuses,
      published: this.#publisher.published,
      stale: this.#stale,
    }
  }

  /**
   * The store is older than it was: restored from a backup, which is obeyed, or replaced by a foreign or an empty one,
   * which must not make us remove what runs (the check throws, and the agent ends).
   */
  async #afterRestore(signal: AbortSignal): Promise<void> {
    this.#ports.log.warn({ revision: this.#tasks?.revision, before: this.#revision }, 'the store went back in time')
    await waitForAnswer('store', () => this.#checkCluster(), this.#ports, signal)
    if (this.#memory !== undefined) this.#memory = { ...this.#memory, fencingToken: 0 }
    this.#reporter.resend()
  }

  /** A newer token is remembered, durably, before anything that came with it is obeyed. */
  async #admit(tasks: readonly TaskRecord[]): Promise<void> {
    const memory = this.#memory
    if (memory === undefined) return
    const isTakenOn = (taskId: string): boolean =>
      this.#admitted.has(taskId) || this.#reporter.statuses.has(taskId) || this.#watcher.ofTask(taskId) !== undefined
    const { stale, fencingToken } = admit(tasks, { fencingToken: memory.fencingToken, isTakenOn })
    this.#stale = new Set(stale)
    this.#admitted = new Set(tasks.map(task => task.id).filter(id => !this.#stale.has(id)))
    if (fencingToken === memory.fencingToken) return
    this.#memory = { ...memory, fencingToken, revision: this.#tasks?.revision ?? 0 }
    try {
      await this.#ports.memory.write(this.#memory)
    } catch (error) {
      // A full disk must not stop what can still run; the token counts until the agent ends.
      this.#ports.log.error({ error: errorMessage(error) }, 'cannot remember the newest manager')
    }
  }
}
