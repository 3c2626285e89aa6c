import type { ContainerCreateRequest, EndpointConfig } from '../../../docker-api/index.ts'
import { findNetwork, type NetworkPorts } from './cluster-networks.ts'

/** Every node has them, or they are no networks. */
const EVERYWHERE = /^(?:|default|bridge|host|none|nat|container:.*)$/

/**
 * Gives a request's networks the names that nodes know them by, and keeps the container to the node at which one of them ends.
 * Throws 404 for a network there is not.
 */
export async function onClusterNetworks(
  request: ContainerCreateRequest,
  ports: NetworkPorts,
): Promise<ContainerCreateRequest> {
  const { HostConfig, NetworkingConfig } = request
  const { NetworkMode } = HostConfig ?? {}
  const endpoints = NetworkingConfig?.EndpointsConfig ?? {}
  const named = new Set([...(typeof NetworkMode === 'string' ? [NetworkMode] : []), ...Object.keys(endpoints)])
  const wanted = [...named].filter(name => !EVERYWHERE.test(name))
  if (wanted.length === 0) return request
  const found = new Map<string, { readonly name: string; readonly constraint?: string }>()
  for (const name of wanted) found.set(name, await place(name, ports))
  const nameOf = (name: string): string => found.get(name)?.name ?? name
  const renamed = Object.entries(endpoints).map(([name, endpoint]): [string, EndpointConfig] => [
    nameOf(name),
    endpoint,
  ])
  const constraints = [...found.values()].flatMap(({ constraint }) => (constraint === undefined ? [] : [constraint]))
  return {
    ...request,
    ...(constraints.length === 0 ? {} : { Env: [...(request.Env ?? []), ...constraints] }),
    ...(NetworkMode === undefined ? {} : { HostConfig: { ...HostConfig, NetworkMode: nameOf(NetworkMode) } }),
    ...(renamed.length === 0
      ? {}
      : { NetworkingConfig: { ...NetworkingConfig, EndpointsConfig: Object.fromEntries(renamed) } }),
  }
}

async function place(
  reference: string,
  ports: NetworkPorts,
): Promise<{ readonly name: string; readonly constraint?: string }> {
  const { bare, node } = await findNetwork(reference, ports)
  if (node !== undefined) return { name: bare, constraint: `constraint:node==${node.name}` }
  return { name: bare }
}
