import type { ServerResponse } from 'node:http'
import { errorMessage, failed, invalidInput, notFound, ShoalError, unavailable } from '../../../core/errors.ts'
import { joinReference } from '../../../core/image-reference.ts'
import type { ImageRemoval, ProgressMessage } from '../../../docker-api/index.ts'
import { registryAuth } from '../../../docker-api/server/index.ts'
import { type ApiReply, type ApiRequest, isOn } from '../../http/route.ts'
import { whileThere } from '../lost-nodes.ts'
import type { ClusterNodes, NodeEngine } from '../nodes.ts'

/** `docker pull` over the cluster: every node pulls, and each line of progress has its node for an id. */
export function pullEverywhere(request: ApiRequest, nodes: ClusterNodes): ApiReply {
  const { query, signal, raw } = request
  const name = query['fromImage']
  if (name === undefined || name === '') {
    throw invalidInput('NO_IMPORT', 'Cannot import an image into a cluster: import it on one host, and push it')
  }
  const reference = joinReference(name, query['tag'])
  const auth = registryAuth(raw.headers['x-registry-auth'])
  const { platform = '' } = query
  const options = { ...(auth === undefined ? {} : { auth }), ...(platform === '' ? {} : { platform }) }
  const pull = async (node: NodeEngine): Promise<void> => {
    await whileThere([node], { signal, lost: nodes.lost }, end => node.engine.images.pull(reference, options, end))
    await nodes.built?.forget(reference)
  }
  return { answer: response => tellProgress(response, `Pulling ${reference}...`, { nodes, work: pull }) }
}

interface Broadcast {
  readonly nodes: ClusterNodes
  readonly work: (node: NodeEngine) => Promise<unknown>
}

/** Classic Swarm's lines: what is done, then how it went, and an error at the end for the nodes where it did not go well. */
async function tellProgress(response: ServerResponse, what: string, { nodes, work }: Broadcast): Promise<void> {
  const ready = nodes.ready()
  if (ready.length === 0) throw unavailable('NO_NODE', 'The cluster has no node that is up')
  const write = (message: ProgressMessage): void => void response.write(`${JSON.stringify(message)}\r\n`)
  response.writeHead(200, { 'content-type': 'application/json' })
  const failures: string[] = []
  await Promise.all(
    ready.map(async node => {
      write({ id: node.name, status: what })
      try {
        await work(node)
        await nodes.inventory.refreshImages([node.name])
        write({ id: node.name, status: `${what} : downloaded` })
      } catch (error) {
        write({ id: node.name, status: `${what} : ${errorMessage(error)}` })
        failures.push(`${node.name}: ${errorMessage(error)}`)
      }
    }),
  )
  if (failures.length > 0) {
    const message = failures.toSorted().join('\n')
    write({ error: message, errorDetail: { message } })
  }
  response.end()
}

/** `docker rmi` over the cluster: on every node that has the image. Throws 404, or the failures of all nodes together. */
export async function removeEverywhere(request: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const { query } = request
  const name = request.params['*'] ?? ''
  const removals = await onEveryHolder<readonly ImageRemoval[]>(name, nodes, ({ engine }) =>
    engine.images.remove(name, { force: isOn(query['force']), noprune: isOn(query['noprune']) }),
  )
  await nodes.built?.forget(name)
  const told = new Map(removals.flat().map(removal => [JSON.stringify(removal), removal]))
  return { json: [...told.values()] }
}

/** `docker tag` over the cluster: on every node that has the image. */
export async function tagEverywhere(request: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const { query } = request
  const name = (request.params['*'] ?? '').replace(/\/tag$/, '')
  const repository = query['repo'] ?? ''
  if (repository === '') throw invalidInput('BAD_QUERY', 'Bad parameter repo: expected the new name')
  const target = query['tag'] ? `${repository}:${query['tag']}` : repository
  await onEveryHolder(name, nodes, ({ engine }) => engine.images.tag(name, target))
  const built = nodes.built?.idOf(name)
  if (built === undefined) await nodes.built?.forget(target)
  else await nodes.built?.add([target], built)
  return { status: 201, text: '' }
}

/** Nodes that lack the image say 404, and are none of the matter. */
async function onEveryHolder<T>(
  name: string,
  nodes: ClusterNodes,
  work: (node: NodeEngine) => Promise<T>,
): Promise<readonly T[]> {
  const ready = nodes.ready()
  const answers = await Promise.allSettled(ready.map(work))
  await nodes.inventory.refreshImages(
    ready.filter((_, index) => answers[index]?.status === 'fulfilled').map(each => each.name),
  )
  const done = answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []))
  const failures = answers.flatMap((answer, index) => {
    if (answer.status === 'fulfilled') return []
    const error: unknown = answer.reason
    return error instanceof ShoalError && error.status === 404 ? [] : [{ node: ready[index]?.name ?? '', error }]
  })
  const [first] = failures
  if (first !== undefined) {
    const message = failures.map(({ node, error }) => `${node}: ${errorMessage(error)}`).join('\n')
    // A conflict stays one, so that clients offer to use force.
    const status = first.error instanceof ShoalError ? first.error.status : 500
    throw status === 409 ? new ShoalError('IMAGE_IN_USE', 409, message) : failed('NODES_FAILED', message)
  }
  if (done.length === 0) throw notFound('NO_SUCH_IMAGE', `No such image: ${name}`)
  return done
}
