import type { ContainerSummary, ImageSummary, VolumeInspect } from '../../../docker-api/index.ts'
import { diskUsage, Query } from '../../../docker-api/server/index.ts'
import type { ApiRequest } from '../../http/route.ts'
import { chooseNodes, joinFailures, onNodes } from '../broadcast.ts'
import { containerOnNode } from '../container-list.ts'
import type { Answer, ClusterNodes } from '../nodes.ts'

/** What an engine answers, apart from what was not asked for. */
interface Usage {
  readonly LayersSize?: number
  readonly Images?: readonly ImageSummary[]
  readonly Containers?: readonly ContainerSummary[]
  readonly Volumes?: readonly VolumeInspect[]
  readonly BuildCache?: readonly object[]
  readonly BuilderSize?: number
}

/** `docker system df` over the cluster: an image counts on every node that has it, for it takes up each one's disk. */
export async function clusterDiskUsage({ originalUrl }: ApiRequest, nodes: ClusterNodes): Promise<object> {
  const types = new Query(originalUrl).all('type')
  const { among } = chooseNodes({}, nodes)
  const version = /^\/v(\d+\.\d+)\//.exec(originalUrl)?.[1]
  const measure = ({ engine }: Answer<unknown>['node']) => diskUsage(engine, { types, version }) as Promise<Usage>
  const { done, failures } = await onNodes(among, measure, nodes)
  // A sum that leaves nodes out would be taken for the whole.
  if (failures.length > 0) throw joinFailures(failures)
  return mergeUsage(done)
}

function mergeUsage(answers: readonly Answer<Usage>[]): Usage {
  const usages = answers.map(({ value }) => value)
  const has = (field: keyof Usage): boolean => usages.some(usage => usage[field] !== undefined)
  const sum = (field: 'LayersSize' | 'BuilderSize'): number =>
    usages.reduce((total, usage) => total + (usage[field] ?? 0), 0)
  const containers = answers.flatMap(answer =>
    (answer.value.Containers ?? []).map(each => containerOnNode(each, answer)),
  )
  const volumes = answers.flatMap(({ node, value }) =>
    (value.Volumes ?? []).map(volume => ({ ...volume, Name: `${node.name}/${volume.Name}` })),
  )
  return {
    ...(has('Images') ? { LayersSize: sum('LayersSize'), Images: usages.flatMap(({ Images }) => Images ?? []) } : {}),
    ...(has('Containers') ? { Containers: containers } : {}),
    ...(has('Volumes') ? { Volumes: volumes } : {}),
    ...(has('BuildCache')
      ? { BuildCache: usages.flatMap(({ BuildCache }) => BuildCache ?? []), BuilderSize: sum('BuilderSize') }
      : {}),
  }
}
