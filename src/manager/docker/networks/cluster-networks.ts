import { hashOf } from '../../../core/digest.ts'
import { notFound, ShoalError, unavailable } from '../../../core/errors.ts'
import type { EndpointRecord, NetworkRecord } from '../../../core/model/node.ts'
import { checkedThings, type NetworkInspect } from '../../../docker-api/index.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { type Answer, askAll, type ClusterNodes, type NodeEngine } from '../nodes.ts'

/** A network as the cluster shows it. */
export interface FoundNetwork {
  /** Its name without a node's. */
  readonly bare: string
  /** Absent for a network that spans nodes. */
  readonly node?: NodeEngine
  /** `Name` is `node/name` for one that ends at its node. */
  readonly network: NetworkInspect
}

export interface NetworkPorts {
  readonly nodes: ClusterNodes
  readonly snapshot: () => Snapshot
}

/** Endpoints of containers that run; one that is only reserved keeps no network, as in docker. */
const HOLDING: readonly EndpointRecord['kind'][] = ['task', 'container']

/** Networks that span the cluster, once each, and those of single nodes with the node's name in front, as classic Swarm. */
export async function allNetworks({ nodes, snapshot }: NetworkPorts): Promise<FoundNetwork[]> {
  const { networks } = snapshot()
  const over = [...networks.values()].map(({ value }) => ({ bare: value.name, network: networkInspect(value) }))
  const answers = await askAll(nodes, async engine => checkedThings(await engine.networks.list({}), 'Name'))
  const single = answers.flatMap(({ node, value }) =>
    // What the overlay made on a node is a part of a network that is listed already.
    value.flatMap(network => (isPart(network, node, networks) ? [] : [found(network, node)])),
  )
  const byId = new Map([...over, ...single].map(each => [`${each.network.Id} ${each.network.Name}`, each]))
  return [...byId.values()].sort((a, b) => (a.network.Name < b.network.Name ? -1 : 1))
}

function isPart({ Name }: NetworkInspect, { member }: NodeEngine, networks: Snapshot['networks']): boolean {
  return member.overlay === true && networks.has(Name)
}

function found(network: NetworkInspect, node: NodeEngine): FoundNetwork {
  // Docker's own networks over hosts are told by every engine of its swarm.
  if (network.Scope === 'swarm' || network.Scope === 'global') return { bare: network.Name, network }
  return { bare: network.Name, node, network: { ...network, Name: `${node.name}/${network.Name}` } }
}

/**
 * A network by its id, `node/name`, its name if only one has it, or the beginning of its id. Throws 404, also for a
 * name that several nodes have, as classic Swarm does.
 */
export async function findNetwork(reference: string, ports: NetworkPorts): Promise<FoundNetwork> {
  const record = ports.snapshot().networks.get(reference)?.value
  if (record !== undefined) return { bare: record.name, network: networkInspect(record) }
  const all = await allNetworks(ports)
  const choices = [
    all.filter(({ network }) => network.Id === reference || network.Name === reference),
    all.filter(({ bare }) => bare === reference),
    all.filter(({ network }) => reference.length > 0 && network.Id.startsWith(reference)),
  ]
  const [best, ...others] = choices.find(group => group.length > 0) ?? []
  if (best === undefined) throw notFound('NO_SUCH_NETWORK', `network ${reference} not found`)
  if (others.length === 0) return best
  const names = [best, ...others].map(({ network }) => network.Name)
  throw notFound(
    'AMBIGUOUS',
    `network ${reference} not found: several nodes have one, say which with ${names.join(' or ')}`,
  )
}

/** With the containers on it, of whatever nodes. */
export async function inspectFound(
  { bare, node, network }: FoundNetwork,
  ports: NetworkPorts,
): Promise<NetworkInspect> {
  if (node !== undefined) {
    const inner = await node.engine.networks.inspect(network.Id)
    return { ...inner, Name: network.Name }
  }
  return { ...network, Containers: Object.assign({}, ...(await membersOf(bare, ports)).map(({ value }) => value)) }
}

/** The containers that each node has on a network over nodes. */
export async function membersOf(
  name: string,
  { nodes }: NetworkPorts,
): Promise<Answer<NetworkInspect['Containers']>[]> {
  return askAll(nodes, async engine => (await engine.networks.inspect(name)).Containers ?? {})
}

export interface NetworkUsePorts extends NetworkPorts {
  /** The addresses on a network over nodes, as the store has them: those of nodes that are away too. */
  readonly endpoints: (network: string) => Promise<readonly EndpointRecord[]>
}

/** Who is on a network, on nodes that say so themselves, and on others as `node/name`. */
export interface NetworkUse {
  readonly isInUse: boolean
  readonly away: readonly string[]
}

/**
 * Whether a container is on a network over nodes, before it is removed. Throws 503 NODE_SILENT while a node that is up does not say:
 * its containers would lose their network, and another network might get its addresses.
 */
export async function networkUse(name: string, { nodes, snapshot, endpoints }: NetworkUsePorts): Promise<NetworkUse> {
  const answers = await askAll(nodes, async engine => {
    try {
      return Object.keys((await engine.networks.inspect(name)).Containers ?? {}).length
    } catch (error) {
      if (error instanceof ShoalError && error.status === 404) return 0
      throw error
    }
  })
  const asked = new Set(answers.map(({ node }) => node.name))
  const known = snapshot().nodes
  const isAway = (node: string): boolean => !asked.has(node) && known.has(node)
  const away = (await endpoints(name)).filter(({ kind, node }) => HOLDING.includes(kind) && isAway(node))
  if (away.length > 0 || answers.some(({ value }) => value > 0)) {
    return { isInUse: true, away: [...new Set(away.map(({ node, names }) => `${node}/${names[0] ?? '?'}`))].sort() }
  }
  const silent = nodes.ready().filter(node => !asked.has(node.name))
  if (silent.length === 0) return { isInUse: false, away: [] }
  const names = silent.map(node => node.name).join(', ')
  throw unavailable('NODE_SILENT', `Cannot tell whether network ${name} is in use: no answer from ${names}; try again`)
}

/** A network of the cluster, as Docker shows an overlay network. */
export function networkInspect(record: NetworkRecord): NetworkInspect {
  const { name, subnet, internal, labels, vni, createdAtMs = 0 } = record
  return {
    Name: name,
    Id: hashOf({ network: name, vni }),
    Created: new Date(createdAtMs).toISOString(),
    Scope: 'swarm',
    Driver: 'overlay',
    EnableIPv6: false,
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
    Internal: internal,
    Attachable: true,
    Ingress: false,
    Containers: {},
    Options: { 'com.docker.network.driver.overlay.vxlanid_list': String(vni) },
    Labels: labels,
  }
}
