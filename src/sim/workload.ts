import { type Clock, sleep } from '../core/clock.ts'
import { errorMessage } from '../core/errors.ts'
import type { ProjectSpec, ServiceSpec } from '../core/model/service.ts'
import { pickIndex, type Random } from '../core/random.ts'
import type { Manager } from '../manager/index.ts'
import type { EventLog } from './event-log.ts'

export interface WorkloadWorld {
  readonly clock: Clock
  readonly random: Random
  readonly events: EventLog
  readonly nodes: number
  /** The manager that leads and can be asked, if there is one. */
  readonly leader: () => Manager | undefined
}

const PROJECTS = 4
const SERVICES = ['web', 'api', 'worker', 'edge', 'db'] as const
const REPLICAS_MAX = { web: 8, api: 6, worker: 6, edge: 2, db: 2 } as const
const ANSWER_MS = 15_000
const RETRY_MS = 500

/** A user who creates, changes and removes projects, and knows what is wanted in the end. */
export class Workload {
  readonly #world: WorkloadWorld
  readonly #wanted = new Map<string, ProjectSpec>()
  readonly #removed = new Set<string>()
  readonly #drained = new Set<string>()
  #queue: Promise<unknown> = Promise.resolve()

  constructor(world: WorkloadWorld) {
    this.#world = world
  }

  wanted(): readonly ProjectSpec[] {
    return [...this.#wanted.values()]
  }

  /** Names of nodes. */
  drained(): ReadonlySet<string> {
    return this.#drained
  }

  /** Changes the wish of one project, and tells the manager when it can be told. One change after the other. */
  change(): void {
    const { random, events } = this.#world
    const name = `p${1 + pickIndex(random, PROJECTS)}`
    const known = this.#wanted.get(name)
    if (known !== undefined && random.next() < 0.15) {
      this.#wanted.delete(name)
      this.#removed.add(name)
      events.add('user', 'removes', { project: name })
    } else {
      const project = this.#varied(name, known)
      this.#wanted.set(name, project)
      this.#removed.delete(name)
      const services = project.services.map(service => `${service.name}=${service.replicas}@${service.container.image}`)
      events.add('user', 'applies', { project: name, services: services.join() })
    }
    this.#queue = this.#queue.then(() => this.#tell(name))
  }

  /** Drains a node, or takes it back into service. */
  drain(): void {
    const { random, events, nodes } = this.#world
    const others = [...this.#drained]
    const isDrained = others.length === 0 || random.next() < 0.5
    const node = isDrained ? `n${1 + pickIndex(random, nodes)}` : (others[pickIndex(random, others.length)] ?? '')
    if (isDrained) this.#drained.add(node)
    else this.#drained.delete(node)
    events.add('user', isDrained ? 'drains' : 'takes back into service', { node })
    this.#queue = this.#queue.then(() => this.#setAvailability(node))
  }

  rebalance(): void {
    const { events, leader } = this.#world
    events.add('user', 'rebalances')
    this.#queue = this.#queue.then(() => this.#answer(async () => leader()?.rebalance({ moves: 4, dryRun: false })))
  }

  /** Tells everything again, until each wish was accepted: an answer may have been lost, and the change with it. */
  async insist(isOver: () => boolean): Promise<void> {
    await this.#queue
    for (const name of [...this.#wanted.keys(), ...this.#removed]) {
      while (!isOver() && !(await this.#tell(name))) await sleep(this.#world.clock, RETRY_MS)
    }
    for (let index = 1; index <= this.#world.nodes; index++) {
      while (!isOver() && !(await this.#setAvailability(`n${index}`))) await sleep(this.#world.clock, RETRY_MS)
    }
  }

  /** Gives a node up that is down, once the cluster has noticed so. */
  async giveUp(node: string, isOver: () => boolean): Promise<void> {
    const { clock, events, leader } = this.#world
    for (let done = false; !done && !isOver(); ) {
      try {
        await leader()?.removeNode(node, { force: true, dryRun: false })
        done = leader() !== undefined
      } catch (error) {
        done = errorMessage(error).startsWith('No such node')
      }
      if (!done) await sleep(clock, RETRY_MS)
    }
    events.add('user', 'gives a node up', { node })
  }

  /** Drained or not, as is wanted. True if the manager accepted. */
  async #setAvailability(node: string): Promise<boolean> {
    const manager = this.#world.leader()
    if (manager === undefined) return false
    const availability = this.#drained.has(node) ? 'drain' : 'active'
    const error = await this.#answer(() => manager.updateNode(node, { availability }))
    // Given up, or never seen.
    return error === undefined || error.startsWith('No such node')
  }

  /** What went wrong, if anything did. */
  async #answer(ask: () => Promise<unknown>): Promise<string | undefined> {
    const late = sleep(this.#world.clock, ANSWER_MS).then(() => 'no answer')
    return Promise.race([ask().then(() => undefined, errorMessage), late])
  }

  /** True if the manager accepted. */
  async #tell(name: string): Promise<boolean> {
    const { clock, events, leader } = this.#world
    const manager = leader()
    if (manager === undefined) {
      events.add('user', 'finds no manager that leads', { project: name })
      return false
    }
    const project = this.#wanted.get(name)
    const asked =
      project === undefined
        ? manager.remove(name, { volumes: true, dryRun: false })
        : manager.apply(project, { dryRun: false, forceRecreate: false, removeOrphans: true })
    const late = Symbol('late')
    try {
      const answer = await Promise.race([asked, sleep(clock, ANSWER_MS).then(() => late)])
      events.add('user', answer === late ? 'gets no answer' : 'is served', { project: name })
      return answer !== late
    } catch (error) {
      const gone = project === undefined && errorMessage(error).startsWith('No such project')
      events.add('user', gone ? 'finds it gone' : 'is refused', { project: name, error: errorMessage(error) })
      return gone
    }
  }

  #varied(name: string, known: ProjectSpec | undefined): ProjectSpec {
    const { random } = this.#world
    const services = SERVICES.flatMap(service => {
      const before = known?.services.find(other => other.name === service)
      if (before !== undefined && random.next() < 0.6) return [before]
      return random.next() < 0.25 ? [] : [this.#service(name, service)]
    })
    const labels = {}
    return {
      name,
      services: services.length === 0 ? [this.#service(name, 'web')] : services,
      networks: [{ name: `${name}_default`, key: 'default', external: false, internal: false, labels }],
      volumes: services.some(service => service.name === 'db')
        ? [{ name: `${name}_data`, key: 'data', external: false, driver: 'local', driverOptions: {}, labels }]
        : [],
    }
  }

  #service(project: string, name: (typeof SERVICES)[number]): ServiceSpec {
    const { random, nodes } = this.#world
    const volume = { type: 'volume', source: `${project}_data`, target: '/data' } as const
    return {
      name,
      replicas: pickIndex(random, Math.min(REPLICAS_MAX[name], nodes) + 1),
      container: { image: `${name}:${1 + pickIndex(random, 3)}`, ...(name === 'db' ? { mounts: [volume] } : {}) },
      limits: {},
      reservations: name === 'api' ? { memoryBytes: 2 ** 28 } : {},
      constraints: name === 'worker' ? ['engine.labels.zone == b'] : [],
      networks: [{ network: `${project}_default`, aliases: [] }],
      // The same port for every project: the scheduler must keep them on different hosts.
      ports: name === 'edge' ? [{ target: 80, published: 8080, protocol: 'tcp', mode: 'host' }] : [],
      restart: { condition: 'on-failure', delayMs: 1_000 },
      ...(name === 'web' && random.next() < 0.5 ? { update: { order: 'start-first' } } : {}),
      dependsOn: [],
    }
  }
}
