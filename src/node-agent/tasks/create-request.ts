import { COMPOSE_LABELS } from '../../core/model/compose-labels.ts'
import { TASK_LABEL } from '../../core/model/labels.ts'
import type { PortSpec } from '../../core/model/service.ts'
import type { TaskRecord } from '../../core/model/task.ts'
import {
  type ContainerCreateRequest,
  type EndpointConfig,
  type MountRequest,
  portKey,
  toServiceRequest,
} from '../../docker-api/index.ts'
import type { ClaimedAddress } from '../ports.ts'
import { PORTS_LABEL, SERVICE_LABEL, TOKEN_LABEL } from './seen-container.ts'
import { fillTemplates } from './templates.ts'

export interface RequestPlace {
  readonly node: string
  /** By network. Without one the engine chooses the address, and resolves the service's names itself. */
  readonly addresses: ReadonlyMap<string, ClaimedAddress>
  /** How the container gets the files that the cluster keeps for it. */
  readonly files?: readonly MountRequest[]
}

/** What a task's container is, in Docker's terms; pure. */
export function toCreateRequest(task: TaskRecord, place: RequestPlace): ContainerCreateRequest {
  const fill = (text: string): string => fillTemplates(text, task, place.node)
  const request = toServiceRequest(task.spec, fill)
  const { files = [] } = place
  const withFiles = { ...request.HostConfig, Mounts: [...(request.HostConfig?.Mounts ?? []), ...files] }
  return {
    ...request,
    ...(files.length === 0 ? {} : { HostConfig: withFiles }),
    Labels: labelsOf(task, fill),
    ...toNetworkingConfig(task, place),
  }
}

function labelsOf(task: TaskRecord, fill: (text: string) => string): Record<string, string> {
  const { imageId } = task.spec.container
  const ports = ingressPorts(task.spec.ports)
  const own = Object.entries(task.spec.container.labels ?? {}).map(([name, value]) => [name, fill(value)])
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    [COMPOSE_LABELS.project]: task.project,
    [COMPOSE_LABELS.service]: task.service,
    [COMPOSE_LABELS.number]: String(task.slot),
    [COMPOSE_LABELS.hash]: task.specHash,
    [COMPOSE_LABELS.oneOff]: 'False',
    ...(imageId === undefined ? {} : { [COMPOSE_LABELS.image]: imageId }),
    [TASK_LABEL]: task.id,
    [SERVICE_LABEL]: task.serviceId,
    [TOKEN_LABEL]: String(task.fencingToken),
    ...(ports === undefined ? {} : { [PORTS_LABEL]: ports }),
  }
}

/** `8080:80/tcp` for each port that every host answers: engines do not know of them. */
function ingressPorts(ports: readonly PortSpec[]): string | undefined {
  const texts = ports.flatMap(port =>
    port.mode === 'ingress' && port.published !== undefined ? [`${port.published}:${portKey(port)}`] : [],
  )
  return texts.length === 0 ? undefined : texts.join(',')
}

function toNetworkingConfig(
  { spec, service }: TaskRecord,
  { addresses }: RequestPlace,
): Pick<ContainerCreateRequest, 'NetworkingConfig'> {
  if (spec.container.networkMode !== undefined || spec.networks.length === 0) return {}
  const endpoints = spec.networks.map(({ network, aliases }): [string, EndpointConfig] => {
    const claimed = addresses.get(network)
    // Names on a network that spans hosts come from the cluster, which knows every replica and its health.
    if (claimed === undefined) return [network, { Aliases: [service, ...aliases] }]
    return [network, { IPAMConfig: { IPv4Address: claimed.address }, MacAddress: claimed.mac }]
  })
  return { NetworkingConfig: { EndpointsConfig: Object.fromEntries(endpoints) } }
}
