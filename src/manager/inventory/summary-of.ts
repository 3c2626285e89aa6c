import type { ContainerInspect, ContainerSummary, PortMap, PortSummary } from '../../docker-api/index.ts'
import type { HeldContainer } from './held-container.ts'

/**
 * The line of `GET /containers/json` for an inspected container, as engines write it. What an engine only says in lists, such as
 * the names that links give, comes with the next list.
 */
export function summaryOf(inspect: ContainerInspect, kept: HeldContainer | undefined): ContainerSummary {
  const { Id, Name, Config, Image, Path, Args, Created, State, HostConfig, Mounts } = inspect
  const { Ports, Networks }: Partial<ContainerInspect['NetworkSettings']> = given(inspect.NetworkSettings as object, {})
  const isUp = State.Status === 'running' || State.Status === 'paused'
  return {
    Id,
    Names: [given(Name, '')],
    // The name it was made of, unless the list knew better: an image may have lost that name.
    Image: kept?.image ?? given(Config.Image, Image),
    ImageID: Image,
    Command: [given(Path, ''), ...given(Args, [])].map(quoted).join(' '),
    Created: Math.floor(Date.parse(Created) / 1_000) || 0,
    Ports: isUp ? portsOf(given(Ports, {})) : [],
    Labels: given(Config.Labels, {}),
    State: State.Status,
    Status: '',
    HostConfig: { NetworkMode: given(given(HostConfig, {}).NetworkMode, 'default') },
    NetworkSettings: { Networks: given(Networks, {}) },
    Mounts: given(Mounts, []),
  }
}

/** Old engines leave fields out, or say null. */
function given<T>(value: T | null | undefined, otherwise: T): T {
  return value ?? otherwise
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
