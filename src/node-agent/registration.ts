import { sleep } from '../core/clock.ts'
import { conflict } from '../core/errors.ts'
import type { MemberRecord } from '../core/model/node.ts'
import { type Lease, memberCodec } from '../discovery/index.ts'
import type { AgentPorts } from './ports.ts'
import { waitForAnswer } from './wait-for-answer.ts'

export interface RegistrationOptions {
  readonly ttlMs: number
  readonly nameWaitMs: number
  /** Called after every registration but the first: the store may have forgotten more than the member. */
  readonly onReturn: () => void
}

const NAME_POLL_MS = 500

/**
 * Presence of this node: its member record under a lease, which the store's client keeps alive. When the lease is lost
 * (an outage longer than its life) the node registers again.
 *
 * The lease is not given back at the end: a restart within its life goes unnoticed by the cluster, and an agent that
 * stays away is missed when it runs out.
 */
export class Registration {
  readonly #member: MemberRecord
  readonly #options: RegistrationOptions
  readonly #ports: AgentPorts

  constructor(member: MemberRecord, options: RegistrationOptions, ports: AgentPorts) {
    this.#member = member
    this.#options = options
    this.#ports = ports
  }

  /**
   * Registers, waiting as long as the store does not answer. Throws NODE_NAME_TAKEN if another node has the name and
   * keeps it.
   */
  async register(signal: AbortSignal): Promise<Lease> {
    const { clock } = this.#ports
    const beganMs = clock.monotonicMs()
    while (true) {
      const lease = await waitForAnswer('store', () => this.#tryName(beganMs), this.#ports, signal)
      if (lease !== undefined) return lease
      await sleep(clock, NAME_POLL_MS, signal)
    }
  }

  /** Registers anew whenever the lease is lost, until `signal` is aborted. Throws NODE_NAME_TAKEN as `register` does. */
  async keep(lease: Lease, signal: AbortSignal): Promise<void> {
    for (let held = lease; !signal.aborted; ) {
      await untilAborted(AbortSignal.any([held.lost, signal]))
      if (signal.aborted) return
      this.#ports.log.warn({ node: this.#member.name }, 'the membership was lost, registering again')
      held = await this.register(signal)
      this.#ports.log.info({ node: this.#member.name }, 'registered again')
      this.#options.onReturn()
    }
  }

  /** One try; undefined if a foreign member has the name at the moment (it may be about to expire). */
  async #tryName(beganMs: number): Promise<Lease | undefined> {
    const { store, keys, clock } = this.#ports
    const key = keys.member(this.#member.name)
    const existing = await store.get(key)
    const holder = existing === undefined ? undefined : memberCodec.decode(existing.value)
    if (holder !== undefined && holder.id !== this.#member.id) {
      if (clock.monotonicMs() - beganMs < this.#options.nameWaitMs) return undefined
      throw conflict(
        'NODE_NAME_TAKEN',
        `A node named ${holder.name} is in the cluster already, at ${holder.apiAddress}: join with another --name, or stop that agent`,
      )
    }
    const lease = await store.grantLease(this.#options.ttlMs)
    try {
      const { succeeded } = await store.txn(
        [existing === undefined ? { key, exists: false } : { key, modRevision: existing.modRevision }],
        [{ put: key, value: memberCodec.encode(this.#member), lease }],
      )
      if (succeeded) return lease
    } catch (error) {
      await lease.revoke()
      throw error
    }
    await lease.revoke()
    return undefined
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
