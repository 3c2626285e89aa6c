import { silentLog } from '../../src/core/log.ts'
import { ManualClock, settle } from '../../src/core/manual-clock.ts'
import type { TaskRecord, TaskStatus } from '../../src/core/model/task.ts'
import { seededRandom } from '../../src/core/random.ts'
import {
  clusterKeys,
  createMemoryStore,
  networkCodec,
  type Store,
  type StoreLink,
  taskCodec,
  taskStatusCodec,
} from '../../src/discovery/index.ts'
import { type AgentMemory, createAgent, type PeerImages } from '../../src/node-agent/index.ts'
import { FakeEngine } from '../support/fake-engine.ts'
import { FakeOverlay } from '../support/fake-overlay.ts'
import { networkRecord } from '../support/tasks.ts'

export const KEYS = clusterKeys('test')

/** A node whose agent can be started, killed and started again over one engine, on virtual time. */
export class AgentUnderTest {
  readonly clock = new ManualClock()
  readonly server = createMemoryStore({ clock: this.clock })
  readonly engine: FakeEngine
  readonly overlay = new FakeOverlay()
  readonly fetched: string[] = []
  peers: PeerImages = { fetch: () => Promise.resolve(false) }
  memory: AgentMemory | undefined
  #stop: AbortController | undefined
  #ended: Promise<void> = Promise.resolve()
  #store: Store | undefined

  constructor(images?: readonly string[]) {
    this.engine = new FakeEngine(this.clock, images)
  }

  async start(link?: StoreLink): Promise<void> {
    const stop = new AbortController()
    this.#stop = stop
    this.#store = this.server.connect(link)
    const network = networkRecord()
    await this.server.txn([], [{ put: KEYS.network(network.name), value: networkCodec.encode(network) }])
    const agent = createAgent(
      { name: 'n1', apiAddress: '10.0.0.1:2375', address: '10.0.0.1', labels: {}, bootId: 'b1' },
      {
        engine: this.engine.engine,
        store: this.#store,
        keys: KEYS,
        overlay: this.overlay.overlay,
        peers: { fetch: (reference, signal) => this.peers.fetch(reference, signal) },
        memory: {
          read: async () => this.memory,
          write: async memory => {
            this.memory = memory
          },
        },
        clock: this.clock,
        random: seededRandom(1),
        log: silentLog,
      },
    )
    this.#ended = agent.run(stop.signal)
    this.#ended.catch(() => {})
    await this.settle()
  }

  /** The end of the agent's run: rejects with why it gave up. */
  get ended(): Promise<void> {
    return this.#ended
  }

  /** Stops the agent; what it left behind stays. */
  async kill(): Promise<void> {
    this.#stop?.abort()
    await this.settle()
    await this.#ended
    await this.#store?.close()
  }

  async assign(...tasks: readonly TaskRecord[]): Promise<void> {
    await this.server.txn(
      [],
      tasks.map(task => ({ put: KEYS.task('n1', task.id), value: taskCodec.encode(task) })),
    )
    await this.settle()
  }

  async withdraw(id: string): Promise<void> {
    await this.server.txn([], [{ delete: KEYS.task('n1', id) }])
    await this.settle()
  }

  async status(id: string): Promise<TaskStatus | undefined> {
    const kv = await this.server.get(KEYS.statusOf('n1', id))
    return kv === undefined ? undefined : taskStatusCodec.decode(kv.value)
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 40; turn++) await settle()
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms)
    await this.settle()
  }
}
