import type { ContainerInspect, PortMap } from '../../docker-api/index.ts'
import type { NodeEngine } from './nodes.ts'

/** What classic Swarm adds to an inspected container, and we to everything that ends at its node. */
export function nodeBlock({ name, member }: NodeEngine): object {
  return {
    ID: member.id,
    IP: member.address,
    Addr: member.apiAddress,
    Name: name,
    Cpus: Math.floor(member.nanoCpus / 1e9),
    Memory: member.memoryBytes,
    Labels: member.labels,
  }
}

/** An inspected container as the cluster shows it: with its node, and its node's address where a port is bound to every address. */
export function inspectOnNode(inspect: ContainerInspect, node: NodeEngine): object {
  const { NetworkSettings: settings } = inspect as Partial<ContainerInspect>
  if (settings?.Ports === undefined) return { ...inspect, Node: nodeBlock(node) }
  const ports = Object.entries(settings.Ports ?? {}).map(([key, bindings]): [string, PortMap[string]] => [
    key,
    bindings?.map(binding =>
      isEveryAddress(binding.HostIp) ? { ...binding, HostIp: node.member.address } : binding,
    ) ?? null,
  ])
  return {
    ...inspect,
    NetworkSettings: { ...settings, Ports: Object.fromEntries(ports) },
    Node: nodeBlock(node),
  }
}

function isEveryAddress(address: string | undefined): boolean {
  return address === '0.0.0.0' || address === '::'
}
