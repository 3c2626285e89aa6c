import { isTransient, ShoalError, unavailable } from '../../../core/errors.ts'
import type { RegistryAuth } from '../../../docker-api/index.ts'
import { readJson } from '../../../docker-api/server/index.ts'
import { forward } from '../../http/proxy.ts'
import type { ApiReply, ApiRequest } from '../../http/route.ts'
import { answeringNodes, type ClusterNodes, type NodeEngine } from '../nodes.ts'
import { toNode } from '../to-node.ts'

/** More nodes that cannot be reached in a row, and it is not the nodes. */
const TRIES_MAX = 3

/** What any node can find out at a registry: the first that can be reached does. Throws 503 if there is none. */
export async function onAnyNode(request: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const among = candidates(nodes)
  return {
    answer: response =>
      firstOf(
        among,
        async node => forward(request.raw, response, await toNode(node, request.originalUrl, nodes), nodes.connections),
        () => !response.headersSent && !response.destroyed,
      ),
  }
}

/** The same for `POST /auth`, whose body more than one node may have to be sent. */
export async function loginOnAnyNode({ raw, signal }: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const auth = await readJson<RegistryAuth>(raw)
  const json = await firstOf(
    candidates(nodes),
    ({ engine }) => engine.images.login(auth, signal),
    () => !signal.aborted,
  )
  return { json }
}

function candidates(nodes: ClusterNodes): readonly NodeEngine[] {
  const among = answeringNodes(nodes).slice(0, TRIES_MAX)
  if (among.length === 0) throw unavailable('NO_NODE', 'The cluster has no node that answers')
  return among
}

/** A node that has answered, well or not, is believed; so is the last one. */
async function firstOf<T>(
  among: readonly NodeEngine[],
  ask: (node: NodeEngine) => Promise<T>,
  mayGoOn: () => boolean,
): Promise<T> {
  let failure: unknown
  for (const node of among) {
    try {
      return await ask(node)
    } catch (error) {
      failure = error
      const isAnswer = error instanceof ShoalError && error.details['answered'] === true
      if (isAnswer || !isTransient(error) || !mayGoOn()) break
    }
  }
  throw failure
}
