import type { ContainerSummary } from '../../../docker-api/index.ts'
import { askAll, type ClusterNodes } from '../nodes.ts'
import { chooseContainers, type ListOptions, toJson } from './list-containers.ts'

/** `docker ps --size`: only a node can measure its files, so those of the containers that are shown are asked. */
export async function listWithSizes(options: ListOptions, nodes: ClusterNodes): Promise<Buffer> {
  const shown = chooseContainers(options, nodes.inventory, nodes.clock.nowMs())
  const byNode = Map.groupBy(shown, ({ container }) => container.node)
  const ready = () => nodes.ready().filter(({ name }) => byNode.has(name))
  const answers = await askAll({ ...nodes, ready }, ({ containers }, { name }) => {
    const id = (byNode.get(name) ?? []).map(({ container }) => container.id)
    return containers.list({ all: true, size: true, filters: { id } })
  })
  const sizes = new Map(answers.flatMap(({ value }) => value.map(summary => [summary.Id, sizesOf(summary)])))
  return toJson(shown, ({ id }) => sizes.get(id) ?? '')
}

function sizesOf({ SizeRw, SizeRootFs }: ContainerSummary): string {
  const fields = JSON.stringify({ SizeRw, SizeRootFs }).slice(1, -1)
  return fields === '' ? '' : `,${fields}`
}
