import { conflict, notFound } from '../../core/errors.ts'
import type { ContainerInspect } from '../../docker-api/index.ts'
import { type Answer, askAll, type ClusterNodes, type NodeEngine } from './nodes.ts'

export interface Located {
  readonly node: NodeEngine
  /** Full id. */
  readonly id: string
  readonly inspect: ContainerInspect
}

/**
 * Finds a container by id, unique prefix of an id, name, or `node/name`, in classic Swarm's order: an exact id wins over
 * a name, a name over a prefix. Of several with one name the one that runs is meant. Throws 404, or 409 `AMBIGUOUS`.
 */
export async function locate(reference: string, nodes: ClusterNodes): Promise<Located> {
  const bare = reference.replace(/^\//, '')
  const slash = bare.indexOf('/')
  const wanted = slash < 0 ? undefined : bare.slice(0, slash)
  const name = bare.slice(slash + 1)
  const known = await locateTask(name, wanted, nodes)
  if (known !== undefined) return known
  const among = wanted === undefined ? nodes : { ...nodes, ready: () => nodes.ready().filter(n => n.name === wanted) }
  const found = await askAll(among, engine => engine.containers.inspect(name))
  const choices = [
    found.filter(({ value }) => value.Id === name),
    found.filter(({ value }) => value.Name === `/${name}` && value.State.Running),
    found.filter(({ value }) => value.Name === `/${name}`),
    found.filter(({ value }) => value.Id.startsWith(name)),
  ]
  const [best, ...others] = choices.find(group => group.length > 0) ?? []
  if (best === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${reference}`)
  if (others.length > 0) throw ambiguous(reference, [best, ...others])
  return { node: best.node, id: best.value.Id, inspect: best.value }
}

/** Containers of tasks are mostly where the records say: asking that node alone is fast, and waits for no other. */
async function locateTask(name: string, wanted: string | undefined, nodes: ClusterNodes): Promise<Located | undefined> {
  const [likely, ...others] = nodes.likely(name).filter(node => wanted === undefined || node === wanted)
  if (likely === undefined || others.length > 0) return undefined
  const ready = () => nodes.ready().filter(node => node.name === likely)
  const [found] = await askAll({ ...nodes, ready }, engine => engine.containers.inspect(name))
  const isIt =
    found !== undefined && (found.value.Id === name || (found.value.Name === `/${name}` && found.value.State.Running))
  return isIt ? { node: found.node, id: found.value.Id, inspect: found.value } : undefined
}

function ambiguous(reference: string, found: readonly Answer<ContainerInspect>[]): Error {
  const names = found.map(({ node, value }) => `${node.name}${value.Name}`).sort()
  return conflict('AMBIGUOUS', `Container ${reference} is on several nodes: say which with ${names.join(' or ')}`)
}

/** Finds the node of an exec instance. Throws 404. */
export async function locateExec(id: string, nodes: ClusterNodes): Promise<NodeEngine> {
  const [found] = await askAll(nodes, engine => engine.exec.inspect(id))
  if (found === undefined) throw notFound('NO_SUCH_EXEC', `No such exec instance: ${id}`)
  return found.node
}
