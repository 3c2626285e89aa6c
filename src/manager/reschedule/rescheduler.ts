import { type Clock, sleep, withDeadline } from '../../core/clock.ts'
import { errorCode, errorMessage, isTransient, ShoalError, unavailable } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { Log } from '../../core/log.ts'
import type { RescheduledContainer } from '../../core/model/rescheduled.ts'
import { backoff } from '../../core/retry.ts'
import { type ClusterKeys, rescheduledCodec, type Store } from '../../discovery/index.ts'
import type { EndpointConfig, Engine } from '../../docker-api/index.ts'
import type { Inventory } from '../inventory/index.ts'
import type { Transaction } from '../loop/transactions.ts'
import { joinAgain } from './join-again.ts'
import { NodePresences } from './node-presence.ts'
import { movedTo, planReschedule, type RescheduleStep } from './plan-reschedules.ts'

export interface ReschedulerPorts {
  readonly store: Pick<Store, 'list'>
  readonly keys: ClusterKeys
  readonly inventory: Inventory
  /** The engine of a node that is ready. Throws 503 if it is not. */
  readonly engineOf: (node: string) => Engine
  /** Refused by the store, with an error, once another manager leads. */
  readonly write: (transaction: Transaction) => Promise<unknown>
  /** Throws 503 `NOT_LEADER` once another manager leads. An engine takes no token, so the store is asked before it. */
  readonly confirmLead: () => Promise<void>
  /**
   * Places a container and creates it, telling the chosen node before. Throws as `docker create` through the manager does.
   */
  readonly create: (
    record: RescheduledContainer,
    onChosen: (node: string) => Promise<void>,
    signal: AbortSignal,
  ) => Promise<{ readonly node: string; readonly id: string }>
  readonly clock: Clock
  readonly log: Log
}

/** What changes in a moment is looked at once. */
const CALM_MS = 200
/** Nothing tells of room that becomes free, nor of a grace that is over. */
const LOOK_MS = 1_000
/** Images may have to be pulled. */
const STEP_MS_MAX = 600_000
const AT_ONCE = 8
const retryMs = backoff(2_000, 60_000)

interface Failure {
  readonly tries: number
  readonly notBeforeMs: number
}

/**
 * Makes containers that ask for it anew when their node fails, and removes what a returning node still has of them; their
 * volumes stay. The notes are in the store, so that a manager that follows goes on where this one ended; whatever fails is tried
 * again until it succeeds or the container is removed. One for each term.
 */
export class Rescheduler {
  readonly #ports: ReschedulerPorts
  readonly #presences: NodePresences
  readonly #records = new Map<string, RescheduledContainer>()
  readonly #failures = new Map<string, Failure>()
  readonly #busy = new Set<string>()
  /** What a step writes is not to be undone by a note on networks, nor the other way round. */
  readonly #lock = new KeyedLock()
  #wake = Promise.withResolvers<void>()
  #deposed: unknown

  constructor(ports: ReschedulerPorts) {
    this.#ports = ports
    this.#presences = new NodePresences(ports.inventory, ports.clock)
  }

  /** Works until `signal` is aborted. Throws `NOT_LEADER` if the store says that another manager leads. */
  async run(signal: AbortSignal): Promise<void> {
    const { inventory, clock } = this.#ports
    const stop = inventory.onChange(() => this.#wake.resolve())
    try {
      await this.#readNotes(signal)
      while (!signal.aborted && this.#deposed === undefined) {
        this.#wake = Promise.withResolvers<void>()
        this.#beginSteps(signal)
        const looking = clock.setTimer(LOOK_MS, this.#wake.resolve)
        signal.addEventListener('abort', () => this.#wake.resolve(), { once: true })
        await this.#wake.promise
        looking.cancel()
        await sleep(clock, CALM_MS, signal).catch(() => {})
      }
    } finally {
      stop()
    }
    if (this.#deposed !== undefined && !signal.aborted) throw this.#deposed
  }

  /** Takes a new container into care. */
  async keep(record: RescheduledContainer): Promise<void> {
    await this.#put(record)
  }

  /** Notes that somebody put a container on a network, or took it off (null); nothing if it is not in care. */
  async noteNetwork(
    { node, id }: { readonly node: string; readonly id: string },
    network: string,
    endpoint: EndpointConfig | null,
  ): Promise<void> {
    const isMeant = (record: RescheduledContainer): boolean => record.node === node && record.containerId === id
    const swarmId = [...this.#records.values()].find(isMeant)?.swarmId
    if (swarmId === undefined) return
    await this.#lock.run(swarmId, async () => {
      const record = this.#records.get(swarmId)
      if (record === undefined || !isMeant(record)) return
      await this.#put({ ...record, networks: { ...record.networks, [network]: endpoint } })
    })
  }

  async #readNotes(signal: AbortSignal): Promise<void> {
    const { store, keys, clock, log } = this.#ports
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        for (const { value, key } of (await store.list(keys.reschedules)).items) this.#read(key, value)
        return
      } catch (error) {
        log.warn({ error: errorMessage(error) }, 'cannot read which containers to reschedule; trying again')
        await sleep(clock, retryMs(attempt), signal).catch(() => {})
      }
    }
  }

  #read(key: string, value: string): void {
    try {
      const record = rescheduledCodec.decode(value)
      this.#records.set(record.swarmId, record)
    } catch (error) {
      this.#ports.log.error({ key, error: errorMessage(error) }, 'cannot read what to make anew; it is left as it is')
    }
  }

  #beginSteps(signal: AbortSignal): void {
    const { clock } = this.#ports
    for (const [id, record] of this.#records) {
      if (this.#busy.size >= AT_ONCE) return
      const failure = this.#failures.get(id)
      if (this.#busy.has(id) || (failure !== undefined && clock.monotonicMs() < failure.notBeforeMs)) continue
      if (this.#planFor(record) !== undefined) void this.#perform(id, signal)
    }
  }

  #planFor(record: RescheduledContainer): RescheduleStep | undefined {
    const { inventory } = this.#ports
    return planReschedule(record, {
      presenceOf: this.#presences.of,
      container: (node, id) => inventory.node(node)?.containers.get(id),
      containersOn: node => inventory.node(node)?.containers.values() ?? [],
    })
  }

  /** Planned the moment it begins, so that none acts on what was true before another one. */
  async #perform(id: string, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    this.#busy.add(id)
    let what: object = { container: this.#records.get(id)?.name }
    try {
      const onTimeout = (): Error => unavailable('RESCHEDULE_SLOW', `it took more than ${STEP_MS_MAX / 60_000} minutes`)
      await this.#lock.run(id, async () => {
        const record = this.#records.get(id)
        const step = record === undefined ? undefined : this.#planFor(record)
        if (step === undefined) return
        what = { container: step.record.name, step: step.do }
        await withDeadline(inner => this.#take(step, inner), STEP_MS_MAX, { clock, signal, onTimeout })
      })
      this.#failures.delete(id)
    } catch (error) {
      if (errorCode(error) === 'NOT_LEADER') this.#deposed = error
      else if (!signal.aborted) {
        const tries = (this.#failures.get(id)?.tries ?? 0) + 1
        this.#failures.set(id, { tries, notBeforeMs: clock.monotonicMs() + retryMs(tries) })
        log.warn({ ...what, tries, error: errorMessage(error) }, 'cannot reschedule; trying again')
      }
    } finally {
      this.#busy.delete(id)
      this.#wake.resolve()
    }
  }

  async #take(step: RescheduleStep, signal: AbortSignal): Promise<void> {
    switch (step.do) {
      case 'note':
        return this.#put(step.record)
      case 'move':
        return this.#move(step.record, signal)
      case 'start':
        await this.#joinAgain(step.record, step.node, step.containerId)
        return this.#start(step.node, step.containerId)
      case 'remove':
        return this.#remove(step)
      case 'forget':
        return this.#forget(step.record)
    }
  }

  async #move(record: RescheduledContainer, signal: AbortSignal): Promise<void> {
    const { create, log } = this.#ports
    const { name, node: from, containerId } = record
    // Noted before it is made: whoever leads next looks there, and nowhere else.
    const onChosen = async (movingTo: string): Promise<void> => {
      if (this.#presences.of(from) !== 'down') throw unavailable('NODE_IS_BACK', `node ${from} is back`)
      await this.#put({ ...record, movingTo })
    }
    const { node, id } = await create(record, onChosen, signal)
    await this.#put(movedTo(record, node, id))
    log.info({ container: name }, `Rescheduled container ${containerId} from ${from} to ${node} as ${id}`)
    await this.#joinAgain(record, node, id)
    if (!record.running) return
    log.info({ container: name }, `Container ${containerId} was running, starting container ${id}`)
    await this.#start(node, id)
  }

  /** Before it is started: it finds them there from the first moment on. */
  async #joinAgain({ networks, name }: RescheduledContainer, node: string, id: string): Promise<void> {
    if (networks === undefined) return
    const { engineOf, confirmLead, log } = this.#ports
    await confirmLead()
    for (const [network, endpoint] of Object.entries(networks)) {
      try {
        await joinAgain(engineOf(node).networks, { network, id, endpoint })
      } catch (error) {
        if (isTransient(error)) throw error
        // It is better off without a network than not at all.
        const what = { container: name, network, error: errorMessage(error) }
        log.warn(what, 'a rescheduled container is not on a network it had joined')
      }
    }
  }

  async #start(node: string, id: string): Promise<void> {
    const { engineOf, inventory, confirmLead } = this.#ports
    await confirmLead()
    await engineOf(node).containers.start(id)
    await inventory.refresh(node, id)
  }

  async #remove({ record, node, containerId }: Extract<RescheduleStep, { do: 'remove' }>): Promise<void> {
    const { engineOf, inventory, log, confirmLead } = this.#ports
    await confirmLead()
    await engineOf(node).containers.remove(containerId, { force: true, volumes: false })
    log.info({ container: record.name, node }, 'removed what a returning node still had of a rescheduled container')
    await inventory.refresh(node, containerId)
  }

  /** Only what its engine says is gone: the inventory may lag behind a container that was just made. */
  async #forget({ node, containerId, swarmId }: RescheduledContainer): Promise<void> {
    const { engineOf, write, keys } = this.#ports
    try {
      await engineOf(node).containers.inspect(containerId)
      return
    } catch (error) {
      if (!(error instanceof ShoalError) || error.status !== 404) throw error
    }
    await write({ compares: [], operations: [{ delete: keys.reschedule(swarmId) }] })
    this.#records.delete(swarmId)
    this.#failures.delete(swarmId)
  }

  async #put(record: RescheduledContainer): Promise<void> {
    const { write, keys } = this.#ports
    const operation = { put: keys.reschedule(record.swarmId), value: rescheduledCodec.encode(record) }
    await write({ compares: [], operations: [operation] })
    this.#records.set(record.swarmId, record)
  }
}
