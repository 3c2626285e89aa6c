import { invalidInput, unsupported } from '../../../core/errors.ts'
import { formatIp, ipFamily, parseIp } from '../../../core/ip.ts'
import type { PortMap } from '../../../docker-api/index.ts'

export type PortProtocol = 'tcp' | 'udp'

interface ContainerPort {
  readonly port: number
  readonly protocol: PortProtocol
}

/** What a container asks for: any host port of the range will do, the same on each address; an empty range means any free port. */
export interface WantedPort extends ContainerPort {
  /** Empty: every address of the host, of both families. */
  readonly hostIp: string
  readonly hostPorts: readonly number[]
}

/** A host port that leads to a container. */
export interface PublishedPort extends ContainerPort {
  readonly hostIp: string
  readonly hostPort: number
}

export const ANY_ADDRESS = '0.0.0.0'
export const ANY_ADDRESS6 = '::'

const portKey = ({ port, protocol }: ContainerPort): string => `${port}/${protocol}`

/** Reads `80/tcp`, `53/udp` or the range `8000-8010/tcp`; no protocol means tcp. Undefined for what is none of these. */
function readPorts(text: string): { readonly ports: readonly number[]; readonly protocol: string } | undefined {
  const [range = '', protocol = 'tcp', ...more] = text.toLowerCase().split('/')
  const ports = parseRange(range)
  const isKnown = protocol === 'tcp' || protocol === 'udp' || protocol === 'sctp'
  return ports === undefined || more.length > 0 || !isKnown ? undefined : { ports, protocol }
}

/** Ports to be published. Throws BAD_PORT, NO_SCTP. */
function parseContainerPorts(text: string): ContainerPort[] {
  const { ports, protocol } = readPorts(text) ?? {}
  if (protocol === 'sctp') {
    throw unsupported('NO_SCTP', `invalid port specification: "${text}": this engine publishes tcp and udp, not sctp`)
  }
  if (ports === undefined || (protocol !== 'tcp' && protocol !== 'udp')) {
    throw invalidInput('BAD_PORT', `invalid port specification: "${text}": expected <port>/tcp or <port>/udp`)
  }
  return ports.map(port => ({ port, protocol }))
}

function parseRange(text: string): number[] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const first = Number(match?.[1] ?? 0)
  const last = Number(match?.[2] ?? first)
  if (match === null || first < 1 || last > 65_535 || last < first) return undefined
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function parseHostPorts(text: string): number[] {
  if (text === '' || text === '0') return []
  const ports = parseRange(text)
  if (ports !== undefined) return ports
  throw invalidInput('BAD_PORT', `invalid port specification: "${text}"`)
}

function parseHostIp(text: string): string {
  const address = text.replace(/^\[(.*)\]$/, '$1')
  if (address === '') return ''
  if (ipFamily(address) !== undefined) return formatIp(parseIp(address))
  throw invalidInput('BAD_PORT', `invalid IP address: "${text}": expected an address of this host`)
}

export interface PortRequest {
  readonly portBindings: PortMap
  readonly publishAllPorts: boolean
  readonly exposedPorts: readonly string[]
}

/** All host ports a container asks for. Throws BAD_PORT, NO_SCTP. */
export function planPorts({ portBindings, publishAllPorts, exposedPorts }: PortRequest): WantedPort[] {
  const bound = Object.entries(portBindings).flatMap(([key, bindings]) =>
    parseContainerPorts(key).flatMap(port =>
      // A port with no binding at all is bound to any, as with dockerd.
      (bindings?.length === 0 ? [{}] : (bindings ?? [])).map(({ HostIp = '', HostPort = '' }) => ({
        ...port,
        hostIp: parseHostIp(HostIp),
        hostPorts: parseHostPorts(HostPort),
      })),
    ),
  )
  if (!publishAllPorts) return bound
  const exposed = exposedPorts.flatMap(parseContainerPorts)
  const known = new Set(bound.map(portKey))
  const more = exposed.filter(port => !known.has(portKey(port)))
  return [...bound, ...more.map(port => ({ ...port, hostIp: '', hostPorts: [] }))]
}

/** Docker's port map: what is bound, and null for ports that are exposed only. */
export function portMap(published: readonly PublishedPort[], exposedPorts: readonly string[]): PortMap {
  const map: Record<string, { HostIp: string; HostPort: string }[] | null> = {}
  for (const exposed of exposedPorts) {
    const { ports = [], protocol = '' } = readPorts(exposed) ?? {}
    for (const port of ports) map[`${port}/${protocol}`] = null
  }
  for (const port of published) {
    map[portKey(port)] = [...(map[portKey(port)] ?? []), { HostIp: port.hostIp, HostPort: String(port.hostPort) }]
  }
  return map
}
