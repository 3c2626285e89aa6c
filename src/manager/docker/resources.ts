import { notFound } from '../../core/errors.ts'
import type { NetworkRecord } from '../../core/model/node.ts'
import type { Filters, ImageSummary, NetworkInspect, VolumeInspect } from '../../docker-api/index.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { type Answer, askAll, type ClusterNodes } from './nodes.ts'

/** The images of all nodes, or of those that the filter `node` names, each once, newest first. */
export async function listImages({ node: names, ...filters }: Filters, nodes: ClusterNodes): Promise<ImageSummary[]> {
  const ready = () => nodes.ready().filter(({ name }) => names === undefined || names.includes(name))
  const answers = await askAll({ ...nodes, ready }, engine => engine.images.list({ filters }))
  const byId = Map.groupBy(
    answers.flatMap(({ value }) => value),
    image => image.Id,
  )
  const merged = [...byId.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [
          {
            ...first,
            RepoTags: union([first, ...others].map(image => image.RepoTags ?? [])),
            RepoDigests: union([first, ...others].map(image => image.RepoDigests ?? [])),
          },
        ],
  )
  return merged.sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1))
}

function union(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())]
}

/** The networks that span the cluster. */
export function listNetworks(snapshot: Snapshot): NetworkInspect[] {
  return [...snapshot.networks.values()]
    .map(({ value }) => networkInspect(value))
    .sort((a, b) => (a.Name < b.Name ? -1 : 1))
}

export function inspectNetwork(name: string, snapshot: Snapshot): NetworkInspect {
  const record = snapshot.networks.get(name)?.value
  if (record === undefined) throw notFound('NO_SUCH_NETWORK', `No such network: ${name}`)
  return networkInspect(record)
}

function networkInspect({ name, subnet, internal, labels, vni }: NetworkRecord): NetworkInspect {
  return {
    Name: name,
    Id: name,
    Created: '1970-01-01T00:00:00Z',
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

/** Volumes of all nodes: the cluster's by their name, all others as `node/name`. */
export async function listVolumes(snapshot: Snapshot, nodes: ClusterNodes): Promise<VolumeInspect[]> {
  const answers = await askAll(nodes, engine => engine.volumes.list({}))
  const named = ({ node, value }: Answer<readonly VolumeInspect[]>): VolumeInspect[] =>
    value.map(volume => {
      const isClusters = snapshot.volumes.get(volume.Name)?.value.node === node.name
      return isClusters ? volume : { ...volume, Name: `${node.name}/${volume.Name}` }
    })
  return answers.flatMap(named).sort((a, b) => (a.Name < b.Name ? -1 : 1))
}
