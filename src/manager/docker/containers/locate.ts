import { conflict, failed, notFound } from '../../../core/errors.ts'
import type { HeldContainer } from '../../inventory/index.ts'
import { askAll, type ClusterNodes, type NodeEngine } from '../nodes.ts'

export interface Located {
  readonly node: NodeEngine
  /** Full id. */
  readonly id: string
  /** Without a slash. */
  readonly name: string
}

/**
 * Finds a container by id, unique prefix of an id, name, or `node/name`, in classic Swarm's order, see {@link Inventory.find}. Of
 * several with one name the one that runs is meant. What nobody has told of yet is asked of every node, once. Throws 404, 409
 * `AMBIGUOUS`, or 500 `NODE_UNHEALTHY` if its node does not answer.
 */
export async function locate(reference: string, nodes: ClusterNodes): Promise<Located> {
  const known = nodes.inventory.find(withNodeName(reference, nodes))
  const found = known.length > 0 ? known : await ask(reference, nodes)
  const [first, ...others] = meant(found, nodes)
  if (first === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${reference}`)
  if (others.length > 0) throw ambiguous(reference, [first, ...others])
  const { id, name } = first
  const node = nodes.ready().find(each => each.name === first.node)
  if (node === undefined || !answers(first, nodes)) {
    throw failed('NODE_UNHEALTHY', `Container ${reference} running on unhealthy node ${first.node}`)
  }
  return { node, id, name }
}

/** `<id of a node>/name` means the same as `<name of the node>/name`. */
function withNodeName(reference: string, nodes: ClusterNodes): string {
  const bare = reference.replace(/^\//, '')
  const slash = bare.indexOf('/')
  if (slash < 0) return bare
  const node = nodes.ready().find(({ member }) => member.id === bare.slice(0, slash))
  return node === undefined ? bare : `${node.name}${bare.slice(slash)}`
}

/** Those that run, on nodes that answer, if there are any; else all. */
function meant(found: readonly HeldContainer[], nodes: ClusterNodes): readonly HeldContainer[] {
  if (found.length < 2) return found
  const present = found.filter(container => answers(container, nodes))
  const running = present.filter(({ status }) => status === 'running')
  return [running, present].find(group => group.length === 1) ?? found
}

function answers({ node }: HeldContainer, { inventory }: ClusterNodes): boolean {
  const condition = inventory.node(node)?.condition
  return condition === 'live' || condition === 'reading'
}

/** Somebody else may have made it just now. */
async function ask(reference: string, nodes: ClusterNodes): Promise<readonly HeldContainer[]> {
  const { inventory } = nodes
  const bare = withNodeName(reference, nodes)
  await inventory.settled()
  const settled = inventory.find(bare)
  if (settled.length > 0) return settled
  const slash = bare.indexOf('/')
  const wanted = slash < 0 ? undefined : bare.slice(0, slash)
  const ready = () => nodes.ready().filter(({ name }) => wanted === undefined || name === wanted)
  const there = await askAll({ ...nodes, ready }, engine => engine.containers.inspect(bare.slice(slash + 1)))
  await Promise.all(there.map(({ node, value }) => inventory.refresh(node.name, value.Id)))
  return inventory.find(bare)
}

function ambiguous(reference: string, found: readonly HeldContainer[]): Error {
  const names = found.map(({ node, name }) => `${node}/${name}`).sort()
  return conflict('AMBIGUOUS', `Container ${reference} is on several nodes: say which with ${names.join(' or ')}`)
}

/**
 * Finds the node of an exec instance; all are asked for one that was not made through this manager. Throws 404, 409
 * `AMBIGUOUS`, or 500 `NODE_UNHEALTHY`.
 */
export async function locateExec(id: string, nodes: ClusterNodes): Promise<NodeEngine> {
  const known = nodes.execs?.nodeOf(id)
  const node = nodes.ready().find(({ name }) => name === known)
  if (node !== undefined) return node
  if (known !== undefined) throw failed('NODE_UNHEALTHY', `Exec instance ${id} is on unhealthy node ${known}`)
  const [found, ...others] = await askAll(nodes, engine => engine.exec.inspect(id))
  if (found !== undefined && others.length > 0) {
    const names = [found, ...others].map(answer => answer.node.name).join(' and ')
    throw conflict('AMBIGUOUS', `Nodes ${names} both say that they have exec instance ${id}: make it anew`)
  }
  if (found === undefined) throw notFound('NO_SUCH_EXEC', `No such exec instance: ${id}`)
  return found.node
}
