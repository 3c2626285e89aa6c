import type { ProjectSpec, ServiceSpec } from '../../../src/core/model/service.ts'
import { hostPort, portKey } from '../../../src/docker-api/index.ts'

/** What a project comes to on a cluster, a line a service: how many, of what image, and what the nodes and the engines are told of it. */
export function planText({ name, services, networks, volumes }: ProjectSpec): string {
  const made = [
    ...networks.map(network => `network ${network.name}${network.internal ? ' internal' : ''} ${network.subnet ?? ''}`),
    ...volumes.map(volume => `volume ${volume.name}`),
  ]
  return [`project ${name}`, ...services.map(serviceText), ...made].map(line => `${line.trimEnd()}\n`).join('')
}

function serviceText(service: ServiceSpec): string {
  const { container, dependsOn, constraints, ports, networks, limits, reservations } = service
  const mounts = (container.mounts ?? []).map(({ type, source, target }) => `${type} ${source ?? ''}:${target}`)
  const files = (container.files ?? []).map(({ kind, target }) => `${kind} ${target}`)
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['on', [...constraints, ...(service.spreadOver === undefined ? [] : [`spread over ${service.spreadOver}`])]],
    ['joins', networks.map(({ network, aliases }) => [network, ...aliases].join('/'))],
    ['publishes', ports.map(port => `${hostPort(port)}:${portKey(port)} ${port.mode}`)],
    ['mounts', [...mounts, ...files]],
    ['after', dependsOn.map(({ service: other, condition }) => `${other} ${condition}`)],
    ['limits', Object.entries({ ...limits }).map(([key, value]) => `${key} ${value}`)],
    ['reserves', Object.entries({ ...reservations }).map(([key, value]) => `${key} ${value}`)],
    ['engine', Object.keys(container.engine ?? {})],
  ]
  const told = parts.flatMap(([word, list]) => (list.length === 0 ? [] : [`\n  ${word} ${list.join(', ')}`]))
  const number = service.mode === 'global' ? 'on every node' : `x${service.replicas}`
  const bound = service.replicasPerNode === undefined ? '' : `, ${service.replicasPerNode} a node at most`
  return `${service.name} ${number}${bound} of ${container.image}, restart ${service.restart.condition}${told.join('')}`
}
