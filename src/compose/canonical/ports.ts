import { isIP } from 'node:net'
import { asText, isTree, type Tree } from '../tree.ts'

const PROTOCOLS = ['tcp', 'udp', 'sctp']

/**
 * Expands one entry of `ports` into one entry a container port: `[ip:][published[-last]:]target[-last][/protocol]`, a bare
 * number, or the long form. Throws RangeError with the reason.
 */
export function expandPort(entry: unknown): readonly unknown[] {
  if (isTree(entry)) return [longPort(entry)]
  return shortPorts(asText(entry))
}

function longPort(entry: Tree): Tree {
  const hostIp = entry['host_ip']
  if (typeof hostIp === 'string' && hostIp !== '' && isIP(hostIp) === 0) {
    throw new RangeError(`invalid ip address: ${hostIp}`)
  }
  if (entry['target'] === undefined || entry['target'] === null) throw new RangeError('missing a target port')
  const published = entry['published']
  portRange(asText(entry['target']), 'target')
  if (asText(published) !== '') portRange(asText(published), 'published')
  return {
    mode: 'ingress',
    protocol: 'tcp',
    ...entry,
    ...(published === undefined || published === null ? {} : { published: asText(published) }),
  }
}

function shortPorts(text: string): readonly Tree[] {
  const [range = '', protocol = 'tcp', ...rest] = text.split('/')
  if (rest.length > 0 || !PROTOCOLS.includes(protocol.toLowerCase())) {
    throw new RangeError(`Invalid proto: ${text.slice(range.length + 1)}`)
  }
  const { hostIp, published, target } = splitHost(range, text)
  const targets = portRange(target, 'containerPort')
  const base = { mode: 'ingress', ...(hostIp === '' ? {} : { host_ip: hostIp }) }
  const one = (port: number, host: string): Tree => ({
    ...base,
    target: port,
    ...(host === '' ? {} : { published: host }),
    protocol: protocol.toLowerCase(),
  })
  if (published === '') return byText(targets).map(port => one(port, ''))
  const hosts = portRange(published, 'hostPort')
  if (targets.length === 1 && hosts.length > 1) return [one(targets[0] ?? 0, published)]
  if (hosts.length !== targets.length) {
    throw new RangeError(`Invalid ranges specified for container and host Ports: ${target} and ${published}`)
  }
  return byText(targets).map(port => one(port, String(hosts[targets.indexOf(port)] ?? '')))
}

function splitHost(range: string, text: string): { hostIp: string; published: string; target: string } {
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(range)
  const parts = (bracketed?.[2] ?? range).split(':')
  const target = parts.at(-1) ?? ''
  const published = parts.length > 1 ? (parts.at(-2) ?? '') : ''
  const hostIp = bracketed?.[1] ?? parts.slice(0, -2).join(':')
  if (target === '') throw new RangeError(`No port specified: ${text}<empty>`)
  if (hostIp !== '' && isIP(hostIp) === 0) throw new RangeError(`Invalid ip address: ${hostIp}`)
  return { hostIp, published, target }
}

function portRange(text: string, what: string): number[] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match === null || first > 65_535 || last > 65_535) throw new RangeError(`Invalid ${what}: ${text}`)
  if (last < first) throw new RangeError(`Invalid ${what}: invalid range ${text}`)
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** The reference expands a range in the order of its texts (98-101 is 100, 101, 98, 99), and tools compare its output. */
function byText(ports: readonly number[]): number[] {
  return [...ports].sort((a, b) => (String(a) < String(b) ? -1 : 1))
}
