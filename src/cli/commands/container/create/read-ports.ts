import { isIP } from 'node:net'
import type { PortBinding } from '../../../../docker-api/index.ts'
import { bad } from './read-values.ts'

export interface Ports {
  readonly exposed: Record<string, object>
  readonly bindings: Record<string, PortBinding[]>
}

const PROTOCOLS = ['tcp', 'udp', 'sctp']

/** Reads `-p [[address:]host:]container[/protocol]`, ranges too, and `--expose`. Throws BAD_FLAG in docker's words. */
export function readPorts(published: readonly string[], expose: readonly string[]): Ports {
  const ports: Ports = { exposed: {}, bindings: {} }
  for (const text of published) publish(text.includes('=') ? fromLong(text) : text, ports)
  for (const text of expose) {
    if (text.includes(':')) throw bad(`invalid port format for --expose: ${text}`)
    const [range = '', protocol = 'tcp'] = text.split('/')
    for (const port of exposedSpan(range, text)) ports.exposed[`${port}/${protocol}`] = {}
  }
  return ports
}

function exposedSpan(range: string, text: string): readonly number[] {
  const wrong = range.split('-').find(part => !/^\d+$/.test(part))
  const why =
    range === ''
      ? 'empty string specified for ports'
      : wrong === undefined
        ? 'invalid range specified for port'
        : `strconv.ParseUint: parsing "${wrong}": invalid syntax`
  return span(range, `invalid range format for --expose: ${text}, error: ${why}`)
}

/** `target=80,published=8080,protocol=tcp` as the short form. */
function fromLong(text: string): string {
  const fields = Object.fromEntries(text.split(',').map(field => field.split('='))) as Record<string, string>
  const { target = '', published = '', protocol = 'tcp' } = fields
  return `${published}${published === '' ? '' : ':'}${target}/${protocol}`
}

function readPort(text: string) {
  const [spec = '', protocol = 'tcp'] = text.split('/')
  const parts = spec.split(':')
  const [container = '', host = ''] = parts.toReversed()
  const address = parts
    .slice(0, -2)
    .join(':')
    .replace(/^\[(.*)\]$/, '$1')
  if (address !== '' && isIP(address) === 0) throw bad(`invalid IP address: ${address}`)
  if (container === '') throw bad(`no port specified: ${text}<empty>`)
  if (protocol !== '' && !PROTOCOLS.includes(protocol.toLowerCase())) throw bad(`invalid proto: ${protocol}`)
  return { address, host, container, protocol: protocol === '' ? 'tcp' : protocol.toLowerCase() }
}

function publish(text: string, { exposed, bindings }: Ports): void {
  const { address, host, container, protocol } = readPort(text)
  const targets = span(container, `invalid containerPort: ${container}`)
  const hosts = host === '' ? [] : span(host, `invalid hostPort: ${host}`)
  const spread = hosts.length > 1 && targets.length === 1
  if (!spread && hosts.length > 0 && hosts.length !== targets.length) {
    throw bad(`invalid ranges specified for container and host Ports: ${container} and ${host}`)
  }
  for (const [index, target] of targets.entries()) {
    const key = `${target}/${protocol}`
    const HostPort = spread ? host : String(hosts[index] ?? '')
    exposed[key] = {}
    bindings[key] = [...(bindings[key] ?? []), { HostIp: address, HostPort }]
  }
}

function span(text: string, message: string): number[] {
  const [first = '', last = first, ...more] = text.split('-')
  const [from, to] = [Number(first), Number(last)]
  if (!/^\d+$/.test(first) || !/^\d+$/.test(last) || more.length > 0 || to < from || to > 65_535) throw bad(message)
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
