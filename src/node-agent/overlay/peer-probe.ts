import { type Clock, type Timer, withDeadline } from '../../core/clock.ts'
import { unavailable } from '../../core/errors.ts'
import { isProofOfService, needsWitness, type Sighting, type SignOfLife, suspectedHosts } from './suspicion.ts'

const PROBE_EVERY_MS = 250
/** A tick that comes this late tells of our own sleep: what the others sent meanwhile is still in the queue. */
const OVERSLEPT_MS = 500
const WITNESS_TIMEOUT_MS = 400

export interface ProbeListener {
  readonly receive: (host: string, packet: Buffer) => void
  /** A followed host, though alive, has nobody who takes what was sent to it. */
  readonly refused: (host: string) => void
}

/** Sends small packets to hosts and hands over what comes from them. */
export interface ProbeTransport {
  readonly send: (host: string, packet: Buffer) => void
  /** Replaces the hosts of which refusals are told. */
  readonly follow: (hosts: ReadonlySet<string>) => void
  /** Resolves once packets can come in. */
  readonly open: (listener: ProbeListener) => Promise<void>
  readonly close: () => void
}

export interface PeerProbeOptions {
  readonly transport: ProbeTransport
  readonly clock: Clock
  /** Names the cluster, so that two clusters on the same hosts do not take each other for alive. */
  readonly cluster: string
  /** Resolves when something that is no peer answers us. */
  readonly askWitness: () => Promise<unknown>
  /** Whether a host's agent holds its membership, as far as we know. */
  readonly isMember: (host: string) => boolean
  readonly onChange: (suspected: ReadonlySet<string>) => void
}

/** What is sent, and what answers it. */
export function probePackets(cluster: string): { readonly ping: string; readonly pong: string } {
  return { ping: `shoal ping ${cluster}`, pong: `shoal pong ${cluster}` }
}

/** Knows within two seconds which of the hosts we share networks with have died, without the store's leases. */
export class PeerProbe {
  readonly #options: PeerProbeOptions
  readonly #peers = new Map<string, Sighting>()
  readonly #ping: Buffer
  readonly #pong: Buffer
  #suspected: ReadonlySet<string> = new Set()
  #witnessMs = 0
  #witnessAsked = false
  #timer: Timer | undefined
  #isOpen = false
  #closed = false

  constructor(options: PeerProbeOptions) {
    this.#options = options
    const { ping, pong } = probePackets(options.cluster)
    this.#ping = Buffer.from(ping)
    this.#pong = Buffer.from(pong)
  }

  get suspected(): ReadonlySet<string> {
    return this.#suspected
  }

  async start(): Promise<void> {
    await this.#options.transport.open({
      receive: (host, packet) => this.#receive(host, packet),
      refused: host => this.#note(host, 'refusal'),
    })
    this.#isOpen = true
    this.#schedule()
  }

  /** Replaces the hosts to watch; a new one has the full time to be heard. */
  setPeers(hosts: ReadonlySet<string>): void {
    const atMs = this.#options.clock.monotonicMs()
    for (const host of this.#peers.keys()) if (!hosts.has(host)) this.#peers.delete(host)
    for (const host of hosts) if (!this.#peers.has(host)) this.#peers.set(host, { atMs, by: 'packet' })
    this.#options.transport.follow(hosts)
    this.#schedule()
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#options.transport.close()
  }

  #receive(host: string, packet: Buffer): void {
    const isPing = packet.equals(this.#ping)
    if (!isPing && !packet.equals(this.#pong)) return
    if (!this.#peers.has(host)) {
      // It watches us, and we do not yet, or no longer, watch it: our own pings would have told it enough.
      if (isPing) this.#options.transport.send(host, this.#pong)
      return
    }
    this.#note(host, 'packet')
  }

  #note(host: string, by: SignOfLife): void {
    const wasSuspected = this.#suspected.has(host)
    if (!this.#peers.has(host)) return
    if (!isProofOfService(by, { wasSuspected, isMember: this.#options.isMember(host) })) return
    this.#peers.set(host, { atMs: this.#options.clock.monotonicMs(), by })
    if (wasSuspected) this.#evaluate()
  }

  /** Nothing ticks while there is nobody to watch. */
  #schedule(): void {
    if (this.#closed || !this.#isOpen || this.#timer !== undefined || this.#peers.size === 0) return
    const { clock } = this.#options
    const dueMs = clock.monotonicMs() + PROBE_EVERY_MS
    this.#timer = clock.setTimer(PROBE_EVERY_MS, () => {
      this.#timer = undefined
      if (this.#closed) return
      for (const host of this.#peers.keys()) this.#options.transport.send(host, this.#ping)
      const overslept = clock.monotonicMs() - dueMs > OVERSLEPT_MS
      if (!overslept) {
        this.#evaluate()
        void this.#consultWitness()
      }
      this.#schedule()
    })
  }

  #evaluate(): void {
    const nowMs = this.#options.clock.monotonicMs()
    const suspected = suspectedHosts({ peers: this.#peers, nowMs, witnessMs: this.#witnessMs })
    const isSame = suspected.size === this.#suspected.size && [...suspected].every(host => this.#suspected.has(host))
    if (isSame) return
    this.#suspected = suspected
    this.#options.onChange(suspected)
  }

  async #consultWitness(): Promise<void> {
    const { clock, askWitness } = this.#options
    const askedMs = clock.monotonicMs()
    if (this.#witnessAsked || !needsWitness({ peers: this.#peers, nowMs: askedMs })) return
    this.#witnessAsked = true
    try {
      await withDeadline(askWitness, WITNESS_TIMEOUT_MS, {
        clock,
        onTimeout: () => unavailable('NO_WITNESS', 'The store does not answer'),
      })
      this.#witnessMs = askedMs
      if (!this.#closed) this.#evaluate()
    } catch {
      // Nobody answers: it is us who is cut off, and nobody is suspected.
    } finally {
      this.#witnessAsked = false
    }
  }
}
