import { parseMoment } from '../../../core/moment.ts'
import type { Filters } from '../../../docker-api/index.ts'
import { Query, volumePruneFilters } from '../../../docker-api/server/index.ts'
import type { ApiRequest, ApiRoute } from '../../http/route.ts'
import { chooseNodes, joinFailures, type Outcomes, onNodes } from '../broadcast.ts'
import { type NetworkUsePorts, networkUse } from '../networks/cluster-networks.ts'
import type { NodeEngine } from '../nodes.ts'

export interface PrunePorts extends NetworkUsePorts {
  readonly removeNetwork: (name: string) => Promise<void>
}

/** What a node removed: how it is called to the client, and bytes. */
interface Pruned {
  readonly names: readonly unknown[]
  readonly bytes: number
}

interface Kind {
  readonly path: string
  readonly summary: string
  /** The field that lists what was removed. */
  readonly field: string
  readonly filters: (request: ApiRequest) => Filters
  readonly prune: (node: NodeEngine, filters: Filters, request: ApiRequest) => Promise<Pruned>
}

const onNode = ({ name }: NodeEngine, names: readonly string[] | null): string[] =>
  (names ?? []).map(each => `${name}/${each}`)

const queryFilters = ({ originalUrl }: ApiRequest): Filters => new Query(originalUrl).filters()

const KINDS: readonly Kind[] = [
  {
    path: '/containers/prune',
    summary: 'Removes containers that do not run, on every node',
    field: 'ContainersDeleted',
    filters: queryFilters,
    async prune({ engine }, filters) {
      const { ContainersDeleted, SpaceReclaimed } = await engine.containers.prune({ filters })
      return { names: ContainersDeleted ?? [], bytes: SpaceReclaimed }
    },
  },
  {
    path: '/images/prune',
    summary: 'Removes images that no container uses, on every node',
    field: 'ImagesDeleted',
    filters: queryFilters,
    async prune({ engine }, filters) {
      const { ImagesDeleted, SpaceReclaimed } = await engine.images.prune({ filters })
      return { names: ImagesDeleted ?? [], bytes: SpaceReclaimed }
    },
  },
  {
    path: '/volumes/prune',
    summary: 'Removes volumes that no container uses, on every node',
    field: 'VolumesDeleted',
    filters: ({ originalUrl }) => volumePruneFilters(originalUrl),
    async prune(node, filters) {
      const { VolumesDeleted, SpaceReclaimed } = await node.engine.volumes.prune({ filters })
      return { names: onNode(node, VolumesDeleted), bytes: SpaceReclaimed }
    },
  },
  {
    path: '/build/prune',
    summary: 'Forgets what builds keep, on every node',
    field: 'CachesDeleted',
    filters: queryFilters,
    async prune({ engine }, filters, { originalUrl }) {
      const query = new Query(originalUrl)
      const keepBytes = query.integer('keep-storage')
      const keep = keepBytes === undefined ? {} : { keepBytes }
      const pruned = await engine.images.pruneBuildCache({ all: query.flag('all'), filters, ...keep })
      return { names: pruned.CachesDeleted ?? [], bytes: pruned.SpaceReclaimed }
    },
  },
]

/** `docker … prune` over the cluster: all nodes, or those that the filter `node` names, and what came of it together. */
export function pruneRoutes(ports: PrunePorts): ApiRoute[] {
  const { nodes } = ports
  const kinds = KINDS.map(
    (kind): ApiRoute => ({
      method: 'POST',
      path: kind.path,
      summary: kind.summary,
      raw: true,
      handle: async request => {
        const { among, filters } = chooseNodes(kind.filters(request), nodes)
        const outcomes = await onNodes(among, node => kind.prune(node, filters, request), nodes)
        if (kind.field === 'ImagesDeleted') await nodes.inventory.refreshImages(among.map(({ name }) => name))
        const names = told(outcomes)
        const bytes = outcomes.done.reduce((sum, { value }) => sum + value.bytes, 0)
        return { json: { [kind.field]: names.length === 0 ? null : names, SpaceReclaimed: bytes } }
      },
    }),
  )
  return [
    ...kinds,
    {
      method: 'POST',
      path: '/networks/prune',
      summary: 'Removes networks that nobody uses',
      leaderOnly: true,
      raw: true,
      handle: async request => {
        const names = await pruneNetworks(queryFilters(request), ports)
        return { json: { NetworksDeleted: names.length === 0 ? null : names } }
      },
    },
  ]
}

/** What was removed; throws what went wrong, with how much was removed all the same. */
function told({ done, failures }: Outcomes<Pruned>): readonly unknown[] {
  if (failures.length === 0) return done.flatMap(({ value }) => value.names)
  const counts = done.map(({ node, value }) => `${node.name} (${value.names.length} removed)`)
  throw joinFailures(failures, counts.length === 0 ? '' : `It is done on ${counts.join(', ')}`)
}

/** Each node's own, and those over nodes that were made by themselves and have no container. */
async function pruneNetworks(wanted: Filters, ports: PrunePorts): Promise<readonly unknown[]> {
  const { nodes, snapshot } = ports
  const { among, filters } = chooseNodes(wanted, nodes)
  const over = wanted['node'] === undefined ? await pruneSpanning(filters, ports) : []
  const spanning = new Set(snapshot().networks.keys())
  const outcomes = await onNodes(among, node => pruneNode(node, filters, spanning), nodes)
  return [...over, ...told(outcomes)]
}

/** The parts of networks over nodes are looked after by their node's agent, and no others' to remove. */
async function pruneNode(node: NodeEngine, filters: Filters, spanning: ReadonlySet<string>): Promise<Pruned> {
  const removed = await node.engine.networks.prune({ filters })
  return {
    names: onNode(
      node,
      removed.filter(name => !spanning.has(name)),
    ),
    bytes: 0,
  }
}

async function pruneSpanning(filters: Filters, ports: PrunePorts): Promise<string[]> {
  const { nodes, snapshot, removeNetwork } = ports
  const removed: string[] = []
  for (const { value } of snapshot().networks.values()) {
    if (value.project !== '' || !passes(value, filters, nodes.clock.nowMs())) continue
    // One that a node does not say anything about stays.
    const use = await networkUse(value.name, ports).catch(() => undefined)
    if (use?.isInUse !== false) continue
    await removeNetwork(value.name)
    removed.push(value.name)
  }
  return removed
}

/** Docker's filters of a prune. A network whose age is not known is older than any time. */
function passes(
  { labels, createdAtMs = 0 }: { readonly labels: Readonly<Record<string, string>>; readonly createdAtMs?: number },
  filters: Filters,
  nowMs: number,
): boolean {
  const has = (text: string): boolean => {
    const equals = text.indexOf('=')
    return equals < 0 ? Object.hasOwn(labels, text) : labels[text.slice(0, equals)] === text.slice(equals + 1)
  }
  const untilMs = (filters['until'] ?? []).map(text => parseMoment(text, nowMs))
  return (
    (filters['label'] ?? []).every(has) &&
    !(filters['label!'] ?? []).some(has) &&
    untilMs.every(limit => createdAtMs < limit)
  )
}
