import type { ContainerInspect, ContainerSummary, PortMap, PortSummary } from '../../docker-api/index.ts'
import type { HeldContainer } from './held-container.ts'

/**
 * The line of `GET /containers/json` for an inspected container, as engines write it. What an engine only says in lists, such as
 * the names that links give, comes with the next list.
 */
export function summaryOf(inspect: ContainerInspect, kept: HeldContainer | undefined): ContainerSummary {
  const { Id, Name, Config, Image, Path, Args, Created, State, HostConfig, Mounts } = inspect
  const settings = inspect.NetworkSettings as Partial<ContainerInspect['NetworkSettings']> | undefined
  const isUp = State.Status === 'running' || State.Status === 'paused'
  return {
    Id,
    Names: [Name ?? ''],
    // The name it was made of, unless the list knew better: an image may have lost that name.
    Image: kept?.image ?? Config.Image ?? Image,
    ImageID: Image,
    Command: [Path ?? '', ...(Args ?? [])].map(quoted).join(' '),
    Created: Math.floor(Date.parse(Created) / 1_000) || 0,
    Ports: isUp ? portsOf(settings?.Ports ?? {}) : [],
    Labels: Config.Labels ?? {},
    State: State.Status,
    Status: '',
    HostConfig: { NetworkMode: HostConfig?.NetworkMode ?? 'default' },
    NetworkSettings: { Networks: settings?.Networks ?? {} },
    Mounts: Mounts ?? [],
  }
}

function quoted(word: string): string {
  return word.includes(' ') ? `'${word}'` : word
}

function portsOf(ports: PortMap): PortSummary[] {
  return Object.entries(ports).flatMap(([key, bindings]): PortSummary[] => {
    const [port, protocol] = key.split('/')
    const base = { PrivatePort: Number(port), Type: protocol === 'udp' ? ('udp' as const) : ('tcp' as const) }
    if (bindings === null || bindings.length === 0) return [base]
    return bindings.map(({ HostIp = '', HostPort = '' }) => ({
      ...base,
      IP: HostIp === '' ? '0.0.0.0' : HostIp,
      PublicPort: Number(HostPort),
    }))
  })
}
