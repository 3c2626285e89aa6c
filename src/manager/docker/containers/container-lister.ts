import type { Clock } from '../../../core/clock.ts'
import { statusUntilMs } from '../../../docker-api/index.ts'
import type { ContainerBlock, Inventory } from '../../inventory/index.ts'
import { chooseContainers, isShownAsUp, type ListOptions, nodesAway, show, toJson, toLine } from './list-containers.ts'

/** One answer is sent to everybody who asks within this long, as long as nothing changes. */
const SAME_ANSWER_MS = 1_000
/** Each may be megabytes, and anybody may ask anything; most who ask at the same time ask the same. */
const ANSWERS_MAX = 16

/** The lines of a block, as they are sent. */
interface Written {
  readonly version: number
  /** Of the nodes' conditions. */
  readonly conditions: number
  /** As long as every status reads as it did; a clock may be set back. */
  readonly fromMs: number
  readonly untilMs: number
  readonly bytes: Buffer
}

/**
 * Writes the answers of `GET /containers/json`: the same bytes for all who ask the same at the same time, and without filters only what has
 * changed since somebody asked.
 */
export class ContainerLister {
  readonly #inventory: Inventory
  readonly #clock: Clock
  readonly #answers = new Map<string, readonly Buffer[]>()
  readonly #all = new WeakMap<ContainerBlock, Written>()
  readonly #up = new WeakMap<ContainerBlock, Written>()
  #conditions = 0
  #away: ReadonlySet<string> | undefined
  #madeAtMs = 0
  #version = -1

  constructor(inventory: Inventory, clock: Clock) {
    this.#inventory = inventory
    this.#clock = clock
    inventory.onChange(({ kind }) => {
      if (kind !== 'node') return
      this.#conditions++
      this.#away = undefined
    })
  }

  /** JSON, in parts. */
  list(options: ListOptions): readonly Buffer[] {
    const version = this.#inventory.version()
    const nowMs = this.#clock.nowMs()
    if (version !== this.#version || Math.abs(nowMs - this.#madeAtMs) >= SAME_ANSWER_MS) {
      this.#answers.clear()
      this.#version = version
      this.#madeAtMs = nowMs
    }
    const key = JSON.stringify(options)
    const answer = this.#answers.get(key) ?? this.#write(options, nowMs)
    if (this.#answers.size < ANSWERS_MAX) this.#answers.set(key, answer)
    return answer
  }

  #write(options: ListOptions, nowMs: number): readonly Buffer[] {
    const isPlain = options.limit === 0 && Object.keys(options.filters).length === 0
    if (!isPlain) return [toJson(chooseContainers(options, this.#inventory, nowMs))]
    const blocks = this.#inventory.blocks().map(block => this.#block(block, options.all, nowMs))
    const parts = blocks.filter(({ length }) => length > 0).flatMap(bytes => [COMMA, bytes])
    return [OPENING, ...parts.slice(1), CLOSING]
  }

  #block(block: ContainerBlock, all: boolean, nowMs: number): Buffer {
    const kept = all ? this.#all : this.#up
    const known = kept.get(block)
    if (known !== undefined && this.#isCurrent(known, block, nowMs)) return known.bytes
    this.#away ??= nodesAway(this.#inventory)
    const away = this.#away
    const shown = block.containers.map(container => show(container, away, nowMs)).filter(one => all || isShownAsUp(one))
    const bytes = Buffer.from(shown.map(one => toLine(one)).join())
    const untilMs = shown.reduce((least, one) => Math.min(least, untilOf(one, nowMs)), Number.POSITIVE_INFINITY)
    kept.set(block, { version: block.version, conditions: this.#conditions, fromMs: nowMs, untilMs, bytes })
    return bytes
  }

  #isCurrent({ version, conditions, fromMs, untilMs }: Written, block: ContainerBlock, nowMs: number): boolean {
    return version === block.version && conditions === this.#conditions && nowMs >= fromMs && nowMs < untilMs
  }
}

function untilOf({ container: { details }, state }: ReturnType<typeof show>, nowMs: number): number {
  if (details === undefined || state === 'unknown') return Number.POSITIVE_INFINITY
  // A time that is none is told of as it is, always.
  return statusUntilMs(details.state, nowMs) || Number.POSITIVE_INFINITY
}

const COMMA = Buffer.from(',')
const OPENING = Buffer.from('[')
const CLOSING = Buffer.from(']')
