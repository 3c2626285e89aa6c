import type { SandboxRequest } from '../../ports.ts'
import { type ContainerDefaults, inForce } from '../container-defaults.ts'
import type { ContainerRecord } from '../record.ts'

/** What a container asks of its network. */
export function sandboxRequestOf(
  { id, name, config, host: own, ...record }: ContainerRecord,
  defaults: ContainerDefaults,
): SandboxRequest {
  const host = inForce(own, defaults)
  return {
    containerId: id,
    containerName: name,
    hostname: record.hostname,
    domainname: config.Domainname ?? '',
    networkMode: record.networkMode,
    endpoints: record.endpoints,
    portBindings: host.PortBindings ?? {},
    publishAllPorts: host.PublishAllPorts === true,
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    dns: host.Dns ?? [],
    dnsSearch: host.DnsSearch ?? [],
    dnsOptions: host.DnsOptions ?? [],
    extraHosts: host.ExtraHosts ?? [],
    links: host.Links ?? [],
    environment: config.Env ?? [],
    ...(config.MacAddress === undefined ? {} : { macAddress: config.MacAddress }),
    sysctls: host.Sysctls ?? {},
  }
}
