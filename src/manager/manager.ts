import { type Clock, sleep } from '../core/clock.ts'
import { errorCode, errorMessage, isTransient, unavailable } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { ApplyResult, Rebalance } from '../core/model/control-api.ts'
import type { MemberRecord, NetworkRecord } from '../core/model/node.ts'
import type { ProjectSpec } from '../core/model/service.ts'
import type { Random } from '../core/random.ts'
import {
  type ClusterKeys,
  createElection,
  type Election,
  type LeaderRecord,
  type Leadership,
  type Store,
} from '../discovery/index.ts'
import type { Engine } from '../docker-api/index.ts'
import { parseConstraint } from '../scheduler/index.ts'
import { ClusterCache } from './loop/cluster-cache.ts'
import { ControlLoop } from './loop/control-loop.ts'
import { StoreContact } from './loop/store-contact.ts'
import { fence, type Transaction } from './loop/transactions.ts'
import { FencedWriter } from './loop/writer.ts'
import { DECIDE_DEFAULTS, type DecideOptions } from './model/round.ts'
import { EMPTY_SNAPSHOT, type Snapshot } from './model/snapshot.ts'
import type { Standalone } from './model/standalone.ts'
import { createPlacers } from './plan/placer.ts'
import { type AddressPool, DEFAULT_POOL } from './project/allocate-network.ts'
import { type ApplyOptions, type ApplyPorts, applyProject, removeProject } from './project/apply.ts'
import { createNetwork, type NetworkWish, removeNetwork } from './project/cluster-network.ts'
import { pinVolumes } from './project/pin-volumes.ts'
import { type RebalancePorts, rebalance } from './project/rebalance.ts'
import { type NodeRemoval, type RemoveNodePorts, removeNode } from './project/remove-node.ts'
import { type NodeChange, updateNode } from './project/update-node.ts'

export interface ManagerOptions {
  /** Unique for a process. */
  readonly id: string
  /** Where other managers and clients reach this one: `10.0.0.1:3375`. */
  readonly address: string
  readonly decide?: Partial<DecideOptions>
  readonly pool?: AddressPool
  /** A dead leader is missed after this, in milliseconds. Default: 3 seconds. */
  readonly electionTtlMs?: number
}

export interface ManagerPorts {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** A client of the Docker Engine API of a member. */
  readonly engines: (member: MemberRecord) => Engine
}

/** What a manager does for as long as it leads. */
export interface LeaderTerm {
  readonly store: Pick<Store, 'list'>
  readonly keys: ClusterKeys
  /** Aborted when the term is over. */
  readonly signal: AbortSignal
  /** All of it or nothing; false if a condition did not hold. Throws 503 `NOT_LEADER` once another manager leads. */
  readonly write: (transaction: Transaction) => Promise<boolean>
}

/** Runs until the term is over; what it throws ends the term, and the next one begins it anew. */
export type LeaderDuty = (term: LeaderTerm) => Promise<void>

/** The brain of a cluster: one of several may run, one of them leads. */
export interface Manager {
  /** Follows the cluster, stands for election, and leads while elected. Ends when `signal` is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly snapshot: () => Snapshot
  /** Resolves once everything in the store was read for the first time, up to this revision. */
  readonly known: (revision?: number) => Promise<void>
  /** Whether it was: until then the snapshot is empty. */
  readonly isKnown: () => boolean
  /** How long the store has been silent, in milliseconds; 0 while it answers. */
  readonly staleMs: () => number
  readonly isLeader: () => boolean
  /** Asks the store whether this manager leads. Throws 503 `NOT_LEADER` if not. */
  readonly confirmLead: () => Promise<void>
  readonly leader: () => LeaderRecord | undefined
  /** Has something done in every term of this manager from now on. */
  readonly whileLeading: (duty: LeaderDuty) => void
  /** Has tasks placed beside containers that belong to none, from the next term on. */
  readonly placeBeside: (standalone: Standalone) => void
  /** These three throw 503 `NOT_LEADER` on a manager that does not lead, 503 `STORE_UNAVAILABLE` without the store. */
  readonly apply: (project: ProjectSpec, options: ApplyOptions) => Promise<ApplyResult>
  readonly remove: (
    project: string,
    options: { readonly volumes: boolean; readonly dryRun: boolean },
  ) => Promise<ApplyResult>
  readonly updateNode: (name: string, change: NodeChange) => Promise<void>
  /** Asks tasks to leave fuller nodes, or only says which; throws as the others do, and as {@link rebalance} does. */
  readonly rebalance: (options: { readonly moves: number; readonly dryRun: boolean }) => Promise<Rebalance>
  /** Forgets a node that is down; throws as the others do, and as {@link removeNode} does. */
  readonly removeNode: (
    name: string,
    options: { readonly force: boolean; readonly dryRun: boolean },
  ) => Promise<NodeRemoval>
  /** A network over the hosts that belongs to no project; these throw as the three above do. */
  readonly createNetwork: (wish: NetworkWish) => Promise<NetworkRecord>
  readonly removeNetwork: (name: string) => Promise<void>
  /** Ties volumes that nothing has used to a node; throws as the others do, and as {@link pinVolumes} does. */
  readonly pinVolumes: (names: readonly string[], node: string) => Promise<void>
}

interface Term {
  readonly leadership: Leadership
  readonly writer: FencedWriter
  readonly cache: ClusterCache
}

const RETRY_MS = 500
/** How long an answer waits until our own write has come back to us. */
const SEEN_TIMEOUT_MS = 5_000

/** Makes a manager; nothing happens before it is run, and until then it knows nothing. */
export function createManager(options: ManagerOptions, ports: ManagerPorts): Manager {
  const state = new ManagerState(options, ports)
  return {
    run: signal => state.run(signal),
    snapshot: () => state.cache?.snapshot() ?? EMPTY_SNAPSHOT,
    known: revision => state.known(revision),
    isKnown: () => state.isKnown,
    staleMs: () => state.contact.silentMs(),
    isLeader: () => state.term?.leadership.isCurrent() === true,
    confirmLead: async () => state.confirmLead(),
    leader: () => state.election?.leader(),
    whileLeading: duty => void state.duties.push(duty),
    placeBeside: standalone => void (state.standalone = standalone),
    apply: async (project, how) => applyProject(project, how, state.applyPorts()),
    remove: async (project, how) => removeProject(project, how, state.applyPorts()),
    rebalance: async how => rebalance(how, state.rebalancePorts()),
    updateNode: async (name, change) => updateNode(name, change, state.applyPorts()),
    removeNode: async (name, how) => removeNode(name, how, state.removalPorts()),
    createNetwork: async wish => createNetwork(wish, state.applyPorts()),
    removeNetwork: async name => removeNetwork(name, state.removalPorts()),
    pinVolumes: async (names, node) => pinVolumes(names, node, state.applyPorts()),
  }
}

class ManagerState {
  readonly #options: ManagerOptions
  readonly #ports: ManagerPorts
  readonly contact: StoreContact
  election: Election | undefined
  cache: ClusterCache | undefined
  term: Term | undefined
  readonly duties: LeaderDuty[] = []
  standalone: Standalone | undefined
  isKnown = false
  readonly #begun = Promise.withResolvers<void>()

  constructor(options: ManagerOptions, ports: ManagerPorts) {
    this.#options = options
    this.#ports = ports
    this.contact = new StoreContact(ports)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { store, keys, clock, log } = this.#ports
    const { id, address, electionTtlMs: ttlMs } = this.#options
    const candidate = { id, address }
    const election = createElection({ store, keys, candidate, clock, log, ...(ttlMs === undefined ? {} : { ttlMs }) })
    this.election = election
    const first = new ClusterCache(this.#ports)
    this.cache = first
    // It is closed before that if this manager is elected first.
    void first.ready(signal).then(this.#begin, () => {})
    try {
      await Promise.all([this.contact.watch(signal), this.#leadForever(election, signal)])
    } finally {
      election.close()
      this.cache.close()
    }
  }

  readonly #begin = (): void => {
    this.isKnown = true
    this.#begun.resolve()
  }

  async known(revision = 0): Promise<void> {
    await this.#begun.promise
    // It is another one as soon as this manager leads.
    for (let cache = this.cache; cache !== undefined; cache = this.cache) {
      await cache.reached(revision)
      if (cache === this.cache) return
    }
  }

  async #leadForever(election: Election, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    while (!signal.aborted) {
      try {
        await this.#leadOnce(election, signal)
      } catch (error) {
        if (signal.aborted) return
        const expected = isTransient(error) || errorCode(error) === 'NOT_LEADER'
        log[expected ? 'warn' : 'error']({ error: errorMessage(error) }, 'the term ended early')
        await sleep(clock, RETRY_MS, signal).catch(() => {})
      }
    }
  }

  async #leadOnce(election: Election, signal: AbortSignal): Promise<void> {
    const { store, keys, log } = this.#ports
    const leadership = await election.campaign(signal)
    const end = AbortSignal.any([signal, leadership.lost])
    log.info({ token: leadership.token }, 'this manager leads')
    // A fresh list, so that nothing our predecessor wrote can be missing from what we decide from.
    const cache = new ClusterCache(this.#ports)
    try {
      await cache.ready(end)
      const writer = new FencedWriter({ store, keys, wrote: cache.wrote }, leadership)
      this.cache?.close()
      this.cache = cache
      this.#begin()
      this.term = { leadership, writer, cache }
      await this.#fulfil(this.term, end)
    } finally {
      this.term = undefined
      if (this.cache !== cache) cache.close()
      await leadership.resign().catch(() => {})
      log.info({ token: leadership.token }, 'this manager no longer leads')
    }
  }

  /** Until the term is over, or any part of its work fails. */
  async #fulfil(term: Term, end: AbortSignal): Promise<void> {
    const { store, keys } = this.#ports
    const failing = new AbortController()
    const signal = AbortSignal.any([end, failing.signal])
    const write = (transaction: Transaction): Promise<boolean> => term.writer.write(transaction)
    const parts = [this.#loop(term).run(signal), ...this.duties.map(duty => duty({ store, keys, signal, write }))]
    const outcomes = await Promise.allSettled(
      parts.map(part =>
        part.catch((error: unknown) => {
          failing.abort()
          throw error
        }),
      ),
    )
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  #loop({ writer, cache }: Term): ControlLoop {
    return new ControlLoop(
      { ...this.#ports, cache, writer, makePlacer: createPlacers(), standalone: this.standalone },
      { ...DECIDE_DEFAULTS, ...this.#options.decide },
    )
  }

  applyPorts(): ApplyPorts {
    const term = this.term
    if (term === undefined) {
      throw this.#notLeading()
    }
    const { store, keys, clock, random } = this.#ports
    return {
      store,
      keys,
      clock,
      random,
      pool: this.#options.pool ?? DEFAULT_POOL,
      checkConstraint: expression => void parseConstraint(expression),
      snapshot: () => term.cache.snapshot(),
      write: transaction => this.#write(term, transaction),
    }
  }

  rebalancePorts(): RebalancePorts {
    const { clock } = this.#ports
    const options = { ...DECIDE_DEFAULTS, ...this.#options.decide }
    return { ...this.applyPorts(), clock, options, standalone: this.standalone }
  }

  removalPorts(): RemoveNodePorts {
    const ports = this.applyPorts()
    const { store, keys } = this.#ports
    return { ...ports, store, fence: fence(keys, this.term?.writer.fencingToken ?? 0) }
  }

  async confirmLead(): Promise<void> {
    const { term } = this
    if (term?.leadership.isCurrent() !== true) throw this.#notLeading()
    await term.leadership.confirm()
  }

  #notLeading(): Error {
    const silentMs = this.contact.silentMs()
    if (silentMs > 0) {
      const seconds = Math.ceil(silentMs / 1_000)
      return unavailable(
        'STORE_UNAVAILABLE',
        `The store has not answered for ${seconds} s, so nothing can be changed; what runs keeps running. Check etcd and try again`,
      )
    }
    const leader = this.election?.leader()?.address
    const hint = leader === undefined ? 'no manager leads at the moment; try again' : `ask ${leader}`
    return unavailable('NOT_LEADER', `This manager does not lead the cluster: ${hint}`)
  }

  async #write(term: Term, transaction: Transaction): Promise<boolean> {
    const written = await term.writer.write(transaction)
    const timeout = new AbortController()
    const timer = this.#ports.clock.setTimer(SEEN_TIMEOUT_MS, () => timeout.abort())
    try {
      await term.cache.current(timeout.signal)
    } catch {
      // Written all the same; a reader may see it a moment later.
    } finally {
      timer.cancel()
    }
    return written
  }
}
