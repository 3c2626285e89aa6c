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
  const away = nodesAway(inventory)
  for (const container of inventory.containers()) {
    if (nodes !== undefined && !nodes.includes(container.node)) continue
    const one = show(container, away, nowMs)
    if (!showAll && !isShownAsUp(one)) continue
    if (hasFilters && !passesContainerFilters(filtered(container, one.state), filters, context)) continue
    shown.push(one)
    if (shown.length === options.limit) break
  }
  return shown
}

/** Names of the nodes of which nobody knows how they are. */
export function nodesAway(inventory: Inventory): ReadonlySet<string> {
  const away = inventory.nodes().filter(({ condition }) => condition === 'down' || condition === 'broken')
  return new Set(away.map(({ name }) => name))
}

export function show(container: HeldContainer, away: ReadonlySet<string>, nowMs: number): ShownContainer {
  const state = away.has(container.node) ? 'unknown' : container.status
  return { container, state, status: statusOf(container, state, nowMs) }
}

/** Whether it is shown to who does not ask for all. */
export function isShownAsUp({ state, container }: ShownContainer): boolean {
  return UP.includes(state) && !SWARM_IMAGE.test(container.image)
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

/** `extra`: more fields of a container, as JSON that begins with a comma. */
export function toJson(
  shown: readonly ShownContainer[],
  extra: (container: HeldContainer) => string = () => '',
): Buffer {
  return Buffer.from(`[${shown.map(one => toLine(one, extra(one.container))).join(',')}]`)
}

export function toLine({ container, state, status }: ShownContainer, extra = ''): string {
  return `${container.line},"State":${JSON.stringify(state)},"Status":${JSON.stringify(status)}${extra}}`
}
