import { sleep } from '../../core/clock.ts'
import { conflict } from '../../core/errors.ts'
import type { MemberRecord } from '../../core/model/node.ts'
import { type KeyValue, type Lease, memberCodec } from '../../discovery/index.ts'
import type { AgentPorts } from '../ports.ts'
import { waitForAnswer } from './wait-for-answer.ts'

export interface RegistrationOptions {
  readonly ttlMs: number
  readonly heartbeatMs?: number
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
   * keeps it, ID_DUPLICATED if one has the identity or the engine.
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

  /** Why this node cannot be a member beside those that are there: somebody has its name, its identity or its engine. */
  #refusal(items: readonly KeyValue[]): Error | undefined {
    const own = this.#member
    for (const other of items.flatMap(readMember)) {
      if (other.name === own.name) {
        if (other.id === own.id) continue
        return conflict(
          'NODE_NAME_TAKEN',
          `A node named ${other.name} is in the cluster already, at ${other.apiAddress}: join with another --name, or stop that agent`,
        )
      }
      const isClone = other.id === own.id
      if (!isClone && (own.engineId === undefined || other.engineId !== own.engineId)) continue
      const advice = isClone
        ? 'one was made as a copy of the other: empty the --data-root of the copy'
        : 'both drive one engine: let it join once'
      return conflict(
        'ID_DUPLICATED',
        `ID duplicated. ${isClone ? own.id : own.engineId} shared by this node ${own.apiAddress} and another node ${other.apiAddress}: ${advice}`,
      )
    }
    return undefined
  }

  /** One try; undefined if a foreign member is in the way at the moment (it may be about to expire). */
  async #tryName(beganMs: number): Promise<Lease | undefined> {
    const { store, keys, clock } = this.#ports
    const key = keys.member(this.#member.name)
    const { items } = await store.list(keys.members)
    const existing = items.find(item => item.key === key)
    const refusal = this.#refusal(items)
    if (refusal !== undefined) {
      // Who is in the way may be about to expire, or be ourselves under an earlier name.
      if (clock.monotonicMs() - beganMs < this.#options.nameWaitMs) return undefined
      throw refusal
    }
    const { ttlMs, heartbeatMs } = this.#options
    const lease = await store.grantLease(ttlMs, heartbeatMs === undefined ? {} : { renewMs: heartbeatMs })
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

/** A record that cannot be read is in nobody's way. */
function readMember({ value }: KeyValue): MemberRecord[] {
  try {
    return [memberCodec.decode(value)]
  } catch {
    return []
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
