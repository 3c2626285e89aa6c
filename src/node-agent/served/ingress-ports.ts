import type { ContainerInspect, ContainerSummary, Engine, PortMap, PortSummary } from '../../docker-api/index.ts'
import { PORTS_LABEL } from '../tasks/seen-container.ts'

interface Ingress {
  readonly published: number
  readonly target: number
  readonly protocol: 'tcp' | 'udp'
}

/**
 * An engine that shows of a service's containers the ports that every host answers for them, as if they bound them: to people they are
 * the container's ports, and the engine does not know of them.
 */
export function withIngressPorts(engine: Engine): Engine {
  const { containers } = engine
  return {
    ...engine,
    containers: {
      ...containers,
      list: async options => (await containers.list(options)).map(summaryWithPorts),
      inspect: async (id, options) => inspectWithPorts(await containers.inspect(id, options)),
    },
  }
}

function summaryWithPorts(summary: ContainerSummary): ContainerSummary {
  const ingress = summary.State === 'running' ? readPorts(summary.Labels) : []
  if (ingress.length === 0) return summary
  const shown = ingress.map(
    ({ published, target, protocol }): PortSummary => ({
      IP: '0.0.0.0',
      PrivatePort: target,
      PublicPort: published,
      Type: protocol,
    }),
  )
  const isExposedOnly = ({ PrivatePort, PublicPort, Type }: PortSummary): boolean =>
    PublicPort === undefined && shown.some(port => port.PrivatePort === PrivatePort && port.Type === Type)
  return { ...summary, Ports: [...(summary.Ports ?? []).filter(port => !isExposedOnly(port)), ...shown] }
}

function inspectWithPorts(inspect: ContainerInspect): ContainerInspect {
  const ingress = inspect.State.Running ? readPorts(inspect.Config.Labels) : []
  if (ingress.length === 0) return inspect
  const Ports: Record<string, PortMap[string]> = { ...inspect.NetworkSettings.Ports }
  for (const { published, target, protocol } of ingress) {
    const key = `${target}/${protocol}`
    Ports[key] = [...(Ports[key] ?? []), { HostIp: '0.0.0.0', HostPort: String(published) }]
  }
  return { ...inspect, NetworkSettings: { ...inspect.NetworkSettings, Ports } }
}

function readPorts(labels: Readonly<Record<string, string>> | null | undefined): Ingress[] {
  const text = labels?.[PORTS_LABEL]
  if (text === undefined) return []
  return text.split(',').flatMap(port => {
    const [, published, target, protocol] = /^(\d+):(\d+)\/(tcp|udp)$/.exec(port) ?? []
    if (published === undefined || target === undefined) return []
    return [{ published: Number(published), target: Number(target), protocol: protocol === 'udp' ? 'udp' : 'tcp' }]
  })
}
