import { forward, type Upstream } from '../http/proxy.ts'
import type { ApiReply, ApiRequest } from '../http/route.ts'
import type { ClusterNodes, NodeEngine } from './nodes.ts'

/** A path on a node, with the API version no newer than its engine's. */
export async function toNode(
  node: NodeEngine,
  path: string,
  { capVersion, lost, tls }: ClusterNodes,
): Promise<Upstream> {
  const { apiAddress: address, apiTls } = node.member
  const upstream = {
    what: `node ${node.name}`,
    address,
    path: await capVersion(path, node),
    ...(lost === undefined ? {} : { whenLost: lost.watch.bind(lost, node.name) }),
  }
  return apiTls === true ? { ...upstream, tls: tls ?? { verify: true } } : upstream
}

/** Has somebody else answer. */
export function hand(request: ApiRequest, upstream: Upstream, { connections }: ClusterNodes): ApiReply {
  return { answer: response => forward(request.raw, response, upstream, connections) }
}
