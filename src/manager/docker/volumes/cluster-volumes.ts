import { notFound } from '../../../core/errors.ts'
import { checkedThings, type Filters, type VolumeInspect } from '../../../docker-api/index.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { chooseNodes } from '../broadcast.ts'
import { type Answer, askAll, type ClusterNodes, type NodeEngine } from '../nodes.ts'

export interface VolumePorts {
  readonly nodes: ClusterNodes
  readonly snapshot: () => Snapshot
}

export interface FoundVolume {
  /** Its name without the node's. */
  readonly bare: string
  readonly node: NodeEngine
  /** `Name` is `node/name` for one that only its node has. */
  readonly volume: VolumeInspect
}

/** Volumes of all nodes: the cluster's, and those of drivers that span nodes, by their name, all others as `node/name`. */
export async function allVolumes({ nodes, snapshot }: VolumePorts, wanted: Filters = {}): Promise<FoundVolume[]> {
  const { among, filters } = nodes.ready().length === 0 ? { among: [], filters: {} } : chooseNodes(wanted, nodes)
  const answers = await askAll({ ...nodes, ready: () => among }, async engine =>
    checkedThings(await engine.volumes.list({ filters: bareNames(filters, among) }), 'Name'),
  )
  const { volumes } = snapshot()
  const found = answers.flatMap(({ node, value }) => value.map(volume => named(volume, node, volumes)))
  // A volume that spans nodes is told by each of them.
  const byName = new Map(found.map(each => [each.volume.Name, each]))
  return [...byName.values()].sort((a, b) => (a.volume.Name < b.volume.Name ? -1 : 1))
}

function named(volume: VolumeInspect, node: NodeEngine, volumes: Snapshot['volumes']): FoundVolume {
  const isClusters = volumes.get(volume.Name)?.value.node === node.name
  const shown = isClusters || volume.Scope === 'global' ? volume.Name : `${node.name}/${volume.Name}`
  return { bare: volume.Name, node, volume: { ...volume, Name: shown } }
}

/** A name may be given as it is shown, with its node. */
function bareNames(filters: Filters, among: readonly NodeEngine[]): Filters {
  const { name } = filters
  if (name === undefined) return filters
  const bare = (text: string): string => {
    const slash = text.indexOf('/')
    return among.some(node => node.name === text.slice(0, slash)) ? text.slice(slash + 1) : text
  }
  return { ...filters, name: name.map(bare) }
}

/**
 * A volume by `node/name`, or by its name if only one node has it. Throws 404, also for a name that several nodes have,
 * as classic Swarm does.
 */
export async function findVolume(reference: string, ports: VolumePorts): Promise<FoundVolume> {
  const found = await holdersOf(reference, ports)
  const exact = found.find(({ volume }) => volume.Name === reference)
  const [only, ...others] = found
  if (exact !== undefined) return exact
  if (only === undefined) throw notFound('NO_SUCH_VOLUME', `get ${reference}: no such volume`)
  if (others.length === 0) return only
  const names = found.map(({ volume }) => volume.Name)
  throw notFound(
    'AMBIGUOUS',
    `get ${reference}: no such volume: several nodes have one, say which with ${names.join(' or ')}`,
  )
}

/** Every node's volume of that name, or the one of the node that is named. */
export async function holdersOf(reference: string, { nodes, snapshot }: VolumePorts): Promise<FoundVolume[]> {
  const slash = reference.indexOf('/')
  const bare = reference.slice(slash + 1)
  const on = reference.slice(0, Math.max(0, slash))
  const ready = () => nodes.ready().filter(({ name }) => on === '' || name === on)
  const answers: Answer<VolumeInspect>[] = await askAll({ ...nodes, ready }, engine => engine.volumes.inspect(bare))
  return answers.map(({ node, value }) => named(value, node, snapshot().volumes))
}
