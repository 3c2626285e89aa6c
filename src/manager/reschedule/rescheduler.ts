import { type Clock, sleep } from '../../core/clock.ts'
import { errorCode, errorMessage, ShoalError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { RescheduledContainer } from '../../core/model/rescheduled.ts'
import { backoff } from '../../core/retry.ts'
import { type ClusterKeys, rescheduledCodec, type Store } from '../../discovery/index.ts'
import type { Engine } from '../../docker-api/index.ts'
import { type HeldContainer, type Inventory, SWARM_ID_LABEL } from '../inventory/index.ts'
import type { Transaction } from '../loop/transactions.ts'
import { creationOf } from './creation-of.ts'
import { isRescheduled, isUp, planReschedules, type RescheduleStep } from './plan-reschedules.ts'

export interface ReschedulerPorts {
  readonly store: Pick<Store, 'list'>
  readonly keys: ClusterKeys
  readonly inventory: Inventory
  /** The engine of a node that is ready. Throws 503 if it is not. */
  readonly engineOf: (node: string) => Engine
  /** Refused by the store, with an error, once another manager leads. */
  readonly write: (transaction: Transaction) => Promise<unknown>
  readonly nanoCpusOf: (node: string) => number
  /** Places a container and creates it. Throws as `docker create` through the manager does. */
  readonly create: (wanted: RescheduledContainer) => Promise<{ readonly node: string; readonly id: string }>
  readonly clock: Clock
  readonly log: Log
}

/** What changes in a moment is looked at once. */
const CALM_MS = 200
/** Nothing tells of room that becomes free. */
const LOOK_MS = 5_000
const retryMs = backoff(2_000, 60_000)

interface Failure {
  readonly tries: number
  readonly notBeforeMs: number
}

/**
 * Makes containers that ask for it anew when their node fails, and removes what a returning node still has of them; their
 * volumes stay. The notes are in the store, so that a manager that follows goes on where this one ended; whatever fails is tried
 * again until it succeeds or the container is removed.
 */
export class Rescheduler {
  readonly #ports: ReschedulerPorts
  readonly #known = new Map<string, RescheduledContainer>()
  readonly #failures = new Map<string, Failure>()

  constructor(ports: ReschedulerPorts) {
    this.#ports = ports
  }

  /** Works until `signal` is aborted, or until the store refuses a write because another manager leads. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, keys, inventory, clock, log } = this.#ports
    for (const { value, key } of (await store.list(keys.reschedules)).items) {
      try {
        const record = rescheduledCodec.decode(value)
        this.#known.set(record.swarmId, record)
      } catch (error) {
        log.error({ key, error: errorMessage(error) }, 'cannot read what to make anew; it is left as it is')
      }
    }
    let wake = Promise.withResolvers<void>()
    const stop = inventory.onChange(() => wake.resolve())
    try {
      while (!signal.aborted) {
        wake = Promise.withResolvers<void>()
        await this.#takeSteps(signal)
        await Promise.race([wake.promise, sleep(clock, LOOK_MS, signal)])
        await sleep(clock, CALM_MS, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      stop()
    }
  }

  async #takeSteps(signal: AbortSignal): Promise<void> {
    const { inventory, clock } = this.#ports
    const nodes = inventory.nodes()
    const steps = planReschedules({
      known: this.#known.values(),
      containers: inventory.containers().filter(isRescheduled),
      conditionOf: name => inventory.node(name)?.condition,
      isComplete: nodes.every(({ condition }) => condition === 'live' || condition === 'down'),
    })
    for (const step of steps) {
      signal.throwIfAborted()
      const id = step.do === 'note' ? swarmIdOf(step.container) : step.known.swarmId
      const failure = this.#failures.get(id)
      if (failure !== undefined && clock.monotonicMs() < failure.notBeforeMs) continue
      try {
        await this.#take(step)
        this.#failures.delete(id)
      } catch (error) {
        if (errorCode(error) === 'NOT_LEADER' || errorCode(error) === 'STORE_UNAVAILABLE') throw error
        this.#failed(step, id, error)
      }
    }
  }

  #failed(step: RescheduleStep, id: string, error: unknown): void {
    const { clock, log } = this.#ports
    const tries = (this.#failures.get(id)?.tries ?? 0) + 1
    this.#failures.set(id, { tries, notBeforeMs: clock.monotonicMs() + retryMs(tries) })
    const name = step.do === 'note' || step.do === 'remove' ? step.container.name : step.known.name
    log.warn({ container: name, step: step.do, error: errorMessage(error), tries }, 'cannot reschedule; trying again')
  }

  async #take(step: RescheduleStep): Promise<void> {
    switch (step.do) {
      case 'note':
        return this.#note(step.container)
      case 'move':
        return this.#move(step.known)
      case 'start':
        return this.#start(step.container)
      case 'remove':
        return this.#remove(step.container)
      case 'forget':
        return this.#forget(step.known)
    }
  }

  async #note(container: HeldContainer): Promise<void> {
    const { engineOf, nanoCpusOf } = this.#ports
    const inspect = await engineOf(container.node).containers.inspect(container.id)
    await this.#put({
      swarmId: swarmIdOf(container),
      name: container.name,
      node: container.node,
      containerId: container.id,
      running: isUp(container),
      ...creationOf(inspect, nanoCpusOf(container.node)),
    })
  }

  async #move(known: RescheduledContainer): Promise<void> {
    const { create, engineOf, inventory, log } = this.#ports
    const { name, node: from, networks } = known
    const { node, id } = await create(known)
    const engine = engineOf(node)
    try {
      for (const [network, endpoint] of Object.entries(networks)) {
        await engine.networks.connect(network, id, endpoint)
      }
      await this.#put({ ...known, node, containerId: id })
    } catch (error) {
      await engine.containers.remove(id, { force: true, volumes: true }).catch(() => {})
      throw error
    }
    log.info({ container: name }, `Rescheduled container ${known.containerId} from ${from} to ${node} as ${id}`)
    if (known.running) {
      log.info({ container: name }, `Container ${known.containerId} was running, starting container ${id}`)
      await engine.containers.start(id)
    }
    await inventory.refresh(node, id)
  }

  async #start({ node, id }: HeldContainer): Promise<void> {
    await this.#ports.engineOf(node).containers.start(id)
    await this.#ports.inventory.refresh(node, id)
  }

  async #remove({ node, id, name }: HeldContainer): Promise<void> {
    const { engineOf, inventory, log } = this.#ports
    await engineOf(node).containers.remove(id, { force: true, volumes: false })
    log.info({ container: name, node }, 'removed what a returning node still had of a rescheduled container')
    await inventory.refresh(node, id)
  }

  /** Only what its engine says is gone: the inventory may lag behind a container that was just made. */
  async #forget(known: RescheduledContainer): Promise<void> {
    const { engineOf, write, keys } = this.#ports
    try {
      await engineOf(known.node).containers.inspect(known.containerId)
      return
    } catch (error) {
      if (!(error instanceof ShoalError) || error.status !== 404) throw error
    }
    await write({ compares: [], operations: [{ delete: keys.reschedule(known.swarmId) }] })
    this.#known.delete(known.swarmId)
  }

  async #put(record: RescheduledContainer): Promise<void> {
    const { write, keys } = this.#ports
    const operation = { put: keys.reschedule(record.swarmId), value: rescheduledCodec.encode(record) }
    await write({ compares: [], operations: [operation] })
    this.#known.set(record.swarmId, record)
  }
}

function swarmIdOf({ labels }: HeldContainer): string {
  return labels[SWARM_ID_LABEL] ?? ''
}
