import type { HostConfig } from '../../docker-api/index.ts'
import type { HostPort } from '../../scheduler/index.ts'

/** What a container asks of its host. */
export function hostPortsOf({ PortBindings }: Pick<HostConfig, 'PortBindings'>): HostPort[] {
  return Object.entries(PortBindings ?? {}).flatMap(([key, bindings]) =>
    (bindings ?? []).flatMap(({ HostPort, HostIp }): HostPort[] => {
      const published = Number(HostPort)
      if (!(published > 0)) return []
      const protocol = key.endsWith('/udp') ? 'udp' : 'tcp'
      return [{ published, protocol, ...(HostIp === undefined ? {} : { hostIp: HostIp }) }]
    }),
  )
}
