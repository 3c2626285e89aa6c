import { invalidInput } from '../../../../core/errors.ts'
import type { PortBinding } from '../../../../docker-api/index.ts'

export interface Ports {
  readonly exposed: Record<string, object>
  readonly bindings: Record<string, PortBinding[]>
}

const PUBLISH = /^(?:(?:(\[[^\]]*\]|[^[\]:]*):)?([\d-]*):)?(\d+(?:-\d+)?)(?:\/(\w+))?$/
const PROTOCOLS = ['tcp', 'udp', 'sctp']

/** Reads `-p [[address:]host:]container[/protocol]`, ranges too, and `--expose`. Throws BAD_FLAG in docker's words. */
export function readPorts(published: readonly string[], expose: readonly string[]): Ports {
  const ports: Ports = { exposed: {}, bindings: {} }
  for (const text of published) publish(text.includes('=') ? fromLong(text) : text, ports)
  for (const text of expose) {
    const [range = '', protocol = 'tcp'] = text.split('/')
    for (const port of span(range, `invalid range format for --expose: ${text}`))
      ports.exposed[`${port}/${protocol}`] = {}
  }
  return ports
}

/** `target=80,published=8080,protocol=tcp` as the short form. */
function fromLong(text: string): string {
  const fields = Object.fromEntries(text.split(',').map(field => field.split('='))) as Record<string, string>
  const { target = '', published = '', protocol = 'tcp' } = fields
  return `${published}${published === '' ? '' : ':'}${target}/${protocol}`
}

function readPort(text: string) {
  const match = PUBLISH.exec(text)
  if (match === null) throw invalidInput('BAD_FLAG', `invalid containerPort: ${text.split(':').at(-1)}`)
  const [, address = '', host = '', container = '', protocol = 'tcp'] = match
  if (!PROTOCOLS.includes(protocol.toLowerCase())) throw invalidInput('BAD_FLAG', `invalid proto: ${protocol}`)
  return { address, host, container, protocol }
}

function publish(text: string, { exposed, bindings }: Ports): void {
  const { address, host, container, protocol } = readPort(text)
  const targets = span(container, `invalid containerPort: ${container}`)
  const hosts = host === '' ? [] : span(host, `invalid hostPort: ${host}`)
  const spread = hosts.length > 1 && targets.length === 1
  if (!spread && hosts.length > 0 && hosts.length !== targets.length) {
    throw invalidInput('BAD_FLAG', `invalid ranges specified for container and host Ports: ${container} and ${host}`)
  }
  for (const [index, target] of targets.entries()) {
    const key = `${target}/${protocol.toLowerCase()}`
    const HostPort = spread ? host : String(hosts[index] ?? '')
    exposed[key] = {}
    bindings[key] = [...(bindings[key] ?? []), { HostIp: address.replace(/^\[|\]$/g, ''), HostPort }]
  }
}

function span(text: string, message: string): number[] {
  const [first = '', last = first, ...more] = text.split('-')
  const [from, to] = [Number(first), Number(last)]
  if (!/^\d+$/.test(first) || !/^\d+$/.test(last) || more.length > 0 || to < from || to > 65_535 || from < 1) {
    throw invalidInput('BAD_FLAG', message)
  }
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
