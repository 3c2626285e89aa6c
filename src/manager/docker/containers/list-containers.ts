import type { Clock } from '../../../core/clock.ts'
import { notFound } from '../../../core/errors.ts'
import {
  checkContainerFilters,
  type FilterContext,
  type FilteredContainer,
  type Filters,
  filtersImplyAll,
  passesContainerFilters,
  statusText,
} from '../../../docker-api/index.ts'
import { compilePattern } from '../../../scheduler/index.ts'
import type { HeldContainer, Inventory } from '../../inventory/index.ts'
import { meansImage } from '../images/known-images.ts'

export interface ListOptions {
  readonly all: boolean
  /** 0: no limit. */
  readonly limit: number
  readonly filters: Filters
}

/** A container with its state as far as it is known. */
export interface ShownContainer {
  readonly container: HeldContainer
  readonly state: FilteredContainer['status']
  readonly status: string
}

/** Longer than any name. */
const PATTERN_MAX = 200
const UP: readonly string[] = ['running', 'paused', 'restarting']
/** Classic Swarm's own containers are not what anybody looks for. */
const SWARM_IMAGE = /^swarm(:|$)/

/** The containers that `docker ps` shows, the newest first, from what is known of the nodes. Throws BAD_FILTER, or 404 for `since` and `before`. */
export function chooseContainers(options: ListOptions, inventory: Inventory, nowMs: number): ShownContainer[] {
  const { node: nodes, ...filters } = options.filters
  checkContainerFilters(filters)
  const hasFilters = Object.values(filters).some(values => values.length > 0)
  const context = filterContext(filters, inventory)
  const showAll = options.all || options.limit > 0 || filtersImplyAll(filters)
  const shown: ShownContainer[] = []
  const isAway = new Map(
    inventory.nodes().map(({ name, condition }) => [name, condition === 'down' || condition === 'broken']),
  )
  for (const container of inventory.containers()) {
    if (nodes !== undefined && !nodes.includes(container.node)) continue
    const state = isAway.get(container.node) === true ? 'unknown' : container.status
    if (!showAll && (!UP.includes(state) || SWARM_IMAGE.test(container.image))) continue
    if (hasFilters && !passesContainerFilters(filtered(container, state), filters, context)) continue
    shown.push({ container, state, status: statusOf(container, state, nowMs) })
    if (shown.length === options.limit) break
  }
  return shown
}

function statusOf({ details, listedStatus }: HeldContainer, state: string, nowMs: number): string {
  if (state === 'unknown') return 'Host Down'
  return details === undefined ? listedStatus : statusText(details.state, nowMs)
}

function filtered(container: HeldContainer, status: FilteredContainer['status']): FilteredContainer {
  const { id, node, name, labels, details, image, imageId, createdMs, networks, mounts, ports } = container
  return {
    id,
    // A name may be given as it is shown, with its node.
    names: [name, `${node}/${name}`],
    labels,
    status,
    exitCode: details?.state.ExitCode ?? 0,
    health: details?.state.Health?.Status ?? 'none',
    imageName: image,
    imageId,
    createdMs,
    networks,
    mounts,
    ports,
  }
}

function filterContext(filters: Filters, inventory: Inventory): FilterContext {
  const tests = new Map((filters['name'] ?? []).map(value => [value, nameTest(value)]))
  const times = new Map<string, number>()
  return {
    imageIds: new Map((filters['ancestor'] ?? []).map(value => [value, imageIds(value, inventory)])),
    nameTest: value => tests.get(value) ?? nameTest(value),
    createdMsOf(reference) {
      const known = times.get(reference)
      if (known !== undefined) return known
      const [container] = inventory.find(reference)
      if (container === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${reference}`)
      times.set(reference, container.createdMs)
      return container.createdMs
    },
  }
}

/** Read by the engine whose time is linear in the name: one bad expression would hold up everybody, and a long one most. */
function nameTest(value: string): (name: string) => boolean {
  if (value.length <= PATTERN_MAX) {
    try {
      return compilePattern(value)
    } catch {
      // Then it is taken as it stands.
    }
  }
  return name => name.includes(value)
}

/** Nodes may have different images under one name. */
function imageIds(value: string, inventory: Inventory): string[] {
  const images = inventory.nodes().flatMap(node => node.images)
  return images.filter(meansImage(value)).map(({ Id }) => Id)
}

/** One answer is sent to everybody who asks within this long, as long as nothing changes. */
const SAME_ANSWER_MS = 1_000
/** Each may be megabytes, and anybody may ask anything; most who ask at the same time ask the same. */
const ANSWERS_MAX = 16

/** Writes the answers of `GET /containers/json`: the same bytes for all who ask the same at the same time. */
export class ContainerLister {
  readonly #inventory: Inventory
  readonly #clock: Clock
  readonly #answers = new Map<string, Buffer>()
  #madeAtMs = 0
  #version = -1

  constructor(inventory: Inventory, clock: Clock) {
    this.#inventory = inventory
    this.#clock = clock
  }

  /** JSON. */
  list(options: ListOptions): Buffer {
    const version = this.#inventory.version()
    const nowMs = this.#clock.nowMs()
    if (version !== this.#version || Math.abs(nowMs - this.#madeAtMs) >= SAME_ANSWER_MS) {
      this.#answers.clear()
      this.#version = version
      this.#madeAtMs = nowMs
    }
    const key = JSON.stringify(options)
    const answer = this.#answers.get(key) ?? toJson(chooseContainers(options, this.#inventory, nowMs))
    if (this.#answers.size < ANSWERS_MAX) this.#answers.set(key, answer)
    return answer
  }
}

/** `extra`: more fields of a container, as JSON that begins with a comma. */
export function toJson(
  shown: readonly ShownContainer[],
  extra: (container: HeldContainer) => string = () => '',
): Buffer {
  const lines = shown.map(
    ({ container, state, status }) =>
      `${container.line},"State":${JSON.stringify(state)},"Status":${JSON.stringify(status)}${extra(container)}}`,
  )
  return Buffer.from(`[${lines.join(',')}]`)
}
