import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorMessage, unavailable } from '../../core/errors.ts'
import type { Transport } from '../ssh/transport.ts'
import type { ProvisionEvent } from './event.ts'
import { exitCodeOf } from './exit-code.ts'
import type { HostFacts } from './facts/host-facts.ts'
import { readFacts } from './facts/read-facts.ts'
import { findPrivilege } from './privilege.ts'
import type { ProvisionOptions, ProvisionPorts, ProvisionRequest, ProvisionResult } from './provision-options.ts'
import { RecordKeeper } from './provision-record.ts'
import { RootShell } from './root-shell.ts'
import { isChanging, STEP_NAMES, type StepName } from './step.ts'
import { takeBack, undoOrder } from './undo.ts'
import { type Wish, wishFor } from './wish.ts'

const RUN_BYTES = 6
const ROLLBACK_MS_MAX = 900_000
const ANSWER_MS_MAX = 30_000

/** One run over one host: what it knows, tells and keeps while steps go on. Made for a request, and used up with it. */
export class Run {
  readonly request: ProvisionRequest
  readonly options: ProvisionOptions
  readonly id: string
  readonly keeper: RecordKeeper
  readonly warnings: string[] = []
  readonly changed: StepName[] = []
  planned = 0
  readonly #clock: Clock
  readonly #startedMs: number
  #transport: Transport | undefined
  #shell: RootShell | undefined
  #trips = 0
  #wish: Wish | undefined
  #facts: HostFacts | undefined
  #step: StepName = 'resolve'
  #takenBack: ProvisionResult['takenBack']

  constructor(request: ProvisionRequest, options: ProvisionOptions, { clock, random, store, files }: ProvisionPorts) {
    this.request = request
    this.options = options
    this.id = random.bytes(RUN_BYTES).toString('hex')
    this.keeper = new RecordKeeper(store.folderOf(request.machine.name), files, clock.nowMs())
    this.#clock = clock
    this.#startedMs = clock.monotonicMs()
  }

  get clock(): Clock {
    return this.#clock
  }

  get wish(): Wish {
    const { machine, address, url, bundle, trust, certifier } = this.request
    const { offline = false, packageDirectory } = this.options
    this.#wish ??= wishFor({
      machine,
      address,
      url,
      bundle,
      offline,
      ...(trust === undefined ? {} : { trust }),
      ...(certifier === undefined ? {} : { certifier }),
      ...(packageDirectory === undefined ? {} : { packageDirectory }),
    })
    return this.#wish
  }

  get shell(): RootShell {
    if (this.#shell === undefined) throw new Error('There is no connection yet')
    return this.#shell
  }

  /** The host as it was when it was last looked at, after the last change. */
  async facts(): Promise<HostFacts> {
    this.#facts ??= await readFacts(this.shell, this.wish, { clock: this.#clock, signal: this.options.signal })
    return this.#facts
  }

  /** What was known is no longer so. */
  forgetFacts(): void {
    this.#facts = undefined
  }

  /** All that comes before the first look, as steps of their own. */
  async reach(): Promise<void> {
    await this.during('connect', 'connect', async () => {
      this.#transport = await this.request.connect(this.options.signal)
      return `connected as ${this.request.target.user}`
    })
    await this.during('privilege', 'become root', () => this.#becomeRoot())
  }

  async #becomeRoot(): Promise<string> {
    if (this.#transport === undefined) throw new Error('There is no connection yet')
    const { sudoPassword: ask, signal } = this.options
    this.#trips++
    const privilege = await findPrivilege(this.#transport, { user: this.request.target.user, ask, signal })
    this.#shell = new RootShell(this.#transport, privilege)
    return privilege.by === 'root' ? 'root' : 'by sudo'
  }

  tell(event: ProvisionEvent['event'], message: string, data?: ProvisionEvent['data']): void {
    this.options.onEvent({
      ts: new Date(this.#clock.nowMs()).toISOString(),
      machine: this.request.machine.name,
      step: this.#step,
      index: STEP_NAMES.indexOf(this.#step) + 1,
      total: STEP_NAMES.length,
      event,
      message,
      ...(data === undefined ? {} : { data }),
    })
  }

  /** Does a step's work, tells how it goes, and keeps that. What the work resolves with is told at its end. */
  async during(step: StepName, title: string, work: () => Promise<string>): Promise<void> {
    this.#step = step
    const startedAtMs = this.#clock.nowMs()
    const sinceMs = this.#clock.monotonicMs()
    const durationMs = (): number => Math.round(this.#clock.monotonicMs() - sinceMs)
    this.keeper.step(step, { status: 'running', startedAtMs })
    this.tell('start', title)
    try {
      const message = await work()
      const isChange = this.changed.includes(step)
      this.keeper.step(step, { status: isChange ? 'done' : 'skipped', startedAtMs, durationMs: durationMs() })
      if (isChange) await this.keeper.keep()
      // Of the steps that change a host, the one that had nothing to do was skipped.
      this.tell(isChange || !isChanging(step) ? 'ok' : 'skip', message, { durationMs: durationMs() })
    } catch (error) {
      const message = errorMessage(error)
      this.keeper.step(step, { status: 'failed', startedAtMs, durationMs: durationMs(), error: message })
      this.tell('fail', message, { durationMs: durationMs(), exitCode: exitCodeOf(error) })
      throw error
    }
  }

  /**
   * Takes back what this run changed, last first. What cannot be taken back is told, and the rest goes on. Being cancelled or cut off is
   * among the reasons to take back, so that this has a deadline of its own, and connects anew. Never rejects.
   */
  async rollBack(): Promise<void> {
    this.#takenBack = 'all'
    try {
      await withDeadline(signal => this.#takeAllBack(signal), ROLLBACK_MS_MAX, {
        clock: this.#clock,
        onTimeout: () => unavailable('NOT_TAKEN_BACK', 'The host took too long'),
      })
    } catch (error) {
      this.#takenBack = 'some'
      this.tell('undo', `could not take back: ${errorMessage(error)}`)
    }
  }

  async #takeAllBack(signal: AbortSignal): Promise<void> {
    await this.#reconnect(signal)
    const facts = await readFacts(this.shell, this.wish, { clock: this.#clock, signal })
    for (const note of undoOrder(this.keeper.undo)) {
      try {
        this.tell('undo', await takeBack(note, { facts, shell: this.shell, signal, run: this.id }))
      } catch (error) {
        signal.throwIfAborted()
        this.#takenBack = 'some'
        this.tell('undo', `could not take back: ${errorMessage(error)}`, { undo: note.undo })
      }
    }
  }

  /** Only where nobody answers any more. */
  async #reconnect(signal: AbortSignal): Promise<void> {
    try {
      await this.shell.do('see whether it answers', 'true', [], { timeoutMs: ANSWER_MS_MAX, signal })
    } catch {
      signal.throwIfAborted()
      const lost = this.#transport
      this.#transport = await this.request.connect(signal)
      await lost?.close().catch(() => undefined)
      this.#shell = this.shell.over(this.#transport)
    }
  }

  async close(): Promise<void> {
    await this.#transport?.close()
  }

  /** Ends the connection; how the run ended. Never rejects: a record that cannot be kept is a failure of the run. */
  async finish(error?: unknown): Promise<ProvisionResult> {
    const unkept = await failureOf(this.keeper.keep())
    await failureOf(this.close())
    const cause = error ?? unkept
    const failed = cause instanceof Error ? { failed: { step: this.#step, error: cause } } : {}
    return {
      ok: cause === undefined,
      machine: this.request.machine.name,
      exitCode: cause === undefined ? 0 : exitCodeOf(cause),
      changed: this.changed,
      planned: this.planned,
      warnings: this.warnings,
      roundTrips: this.#trips + (this.#shell?.trips ?? 0),
      durationMs: Math.round(this.#clock.monotonicMs() - this.#startedMs),
      ...(this.#takenBack === undefined ? {} : { takenBack: this.#takenBack }),
      ...failed,
    }
  }
}

async function failureOf(work: Promise<void>): Promise<unknown> {
  try {
    await work
    return undefined
  } catch (error) {
    return error
  }
}
