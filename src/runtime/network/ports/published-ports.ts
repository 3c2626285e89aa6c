import { invalidInput } from '../../../core/errors.ts'
import type { PortMap } from '../../../docker-api/index.ts'

type PortProtocol = 'tcp' | 'udp'

interface ContainerPort {
  readonly port: number
  readonly protocol: PortProtocol
}

/** What a container asks for: any host port of the range will do; an empty range means any free port. */
export interface WantedPort extends ContainerPort {
  readonly hostIp: string
  readonly hostPorts: readonly number[]
}

/** A host port that leads to a container. */
export interface PublishedPort extends ContainerPort {
  readonly hostIp: string
  readonly hostPort: number
}

export const ANY_ADDRESS = '0.0.0.0'

const portKey = ({ port, protocol }: ContainerPort): string => `${port}/${protocol}`

/** Reads `80/tcp` or `53/udp`; no protocol means tcp. */
function parseContainerPort(text: string): ContainerPort {
  const [digits = '', protocol = 'tcp'] = text.split('/')
  const port = Number(digits)
  if (!/^\d+$/.test(digits) || port < 1 || port > 65_535 || (protocol !== 'tcp' && protocol !== 'udp')) {
    throw invalidInput('BAD_PORT', `invalid port specification: "${text}": expected <port>/tcp or <port>/udp`)
  }
  return { port, protocol }
}

function parseHostPorts(text: string): number[] {
  if (text === '' || text === '0') return []
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const first = Number(match?.[1] ?? 0)
  const last = Number(match?.[2] ?? first)
  if (match === null || first < 1 || last > 65_535 || last < first) {
    throw invalidInput(
      'BAD_PORT',
      `invalid port specification: "${text}": expected a host port or a range such as 8000-8010`,
    )
  }
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function parseHostIp(text: string): string | undefined {
  if (text === '') return ANY_ADDRESS
  // There is no IPv6 on our networks; `[::]` stands beside 0.0.0.0 in what clients send.
  if (text.includes(':')) return undefined
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    throw invalidInput('BAD_PORT', `invalid IP address: "${text}": expected an IPv4 address of this host`)
  }
  return text
}

export interface PortRequest {
  readonly portBindings: PortMap
  readonly publishAllPorts: boolean
  readonly exposedPorts: readonly string[]
}

/** All host ports a container asks for. Throws BAD_PORT. */
export function planPorts({ portBindings, publishAllPorts, exposedPorts }: PortRequest): WantedPort[] {
  const bound = Object.entries(portBindings).flatMap(([key, bindings]) =>
    (bindings ?? []).flatMap(({ HostIp = '', HostPort = '' }) => {
      const hostIp = parseHostIp(HostIp)
      return hostIp === undefined ? [] : [{ ...parseContainerPort(key), hostIp, hostPorts: parseHostPorts(HostPort) }]
    }),
  )
  if (!publishAllPorts) return bound
  const known = new Set(bound.map(portKey))
  const exposed = exposedPorts.map(parseContainerPort).filter(port => !known.has(portKey(port)))
  return [...bound, ...exposed.map(port => ({ ...port, hostIp: ANY_ADDRESS, hostPorts: [] }))]
}

/** Docker's port map: what is bound, and null for ports that are exposed only. */
export function portMap(published: readonly PublishedPort[], exposedPorts: readonly string[]): PortMap {
  const map: Record<string, { HostIp: string; HostPort: string }[] | null> = {}
  for (const exposed of exposedPorts) map[portKey(parseContainerPort(exposed))] = null
  for (const port of published) {
    map[portKey(port)] = [...(map[portKey(port)] ?? []), { HostIp: port.hostIp, HostPort: String(port.hostPort) }]
  }
  return map
}
