import { invalidInput, unsupported } from '../core/errors.ts'
import { expandAddresses, parseHostPort } from './host-port.ts'

/** Where a cluster is found. Only etcd can be joined; the other two list Docker engines for `swarm manage` and `list`. */
export type Discovery =
  | { readonly scheme: 'etcd'; readonly endpoints: readonly string[]; readonly cluster: string }
  | { readonly scheme: 'file'; readonly path: string }
  | { readonly scheme: 'nodes'; readonly addresses: readonly string[] }

const DEFAULT_CLUSTER = 'default'
const ETCD_PORT = 2379
const CLUSTER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/**
 * Reads a discovery URL as classic Swarm does: `etcd://h1:p,h2:p/cluster`, `file:///path`, `nodes://a:p,b:p`; without a
 * scheme nodes are meant. Classic Swarm's consul, zk and token are refused with what to use instead.
 */
export function parseDiscovery(text: string): Discovery {
  const at = text.indexOf('://')
  const scheme = at < 0 ? 'nodes' : text.slice(0, at)
  const rest = at < 0 ? text : text.slice(at + 3)
  switch (scheme) {
    case 'etcd':
      return parseEtcd(text, rest)
    case 'file':
      if (rest === '') throw bad(text, 'expected a path, such as file:///etc/nodes')
      return { scheme, path: rest }
    case 'nodes':
      return { scheme, addresses: parseNodes(text, rest) }
    case 'token':
      throw unsupported(
        'DISCOVERY_UNSUPPORTED',
        'token:// discovery needs a hosted service that no longer exists: use etcd://host:port/cluster',
      )
    case 'consul':
    case 'zk':
      throw unsupported(
        'DISCOVERY_UNSUPPORTED',
        `${scheme}:// discovery is not supported, presence is kept in leases of etcd: use etcd://host:port/cluster; swarm manage without a URL starts an etcd of its own`,
      )
    default:
      throw unsupported(
        'DISCOVERY_UNSUPPORTED',
        `Discovery "${scheme}://" is not known: use etcd://host:port/cluster, file:///path or nodes://host:port,host:port`,
      )
  }
}

function bad(text: string, why: string): Error {
  return invalidInput('BAD_DISCOVERY', `Cannot read discovery "${text}": ${why}`)
}

function parseEtcd(text: string, rest: string): Discovery {
  const slash = rest.indexOf('/')
  const hosts = slash < 0 ? rest : rest.slice(0, slash)
  const cluster = (slash < 0 ? '' : rest.slice(slash + 1).replace(/\/$/, '')) || DEFAULT_CLUSTER
  if (!CLUSTER_NAME.test(cluster)) throw bad(text, 'a cluster name is letters, digits and inner . _ -')
  const endpoints = hosts.split(',').map(host => (/:\d+$/.test(host) ? host : `${host}:${ETCD_PORT}`))
  const wrong = endpoints.find(endpoint => parseHostPort(endpoint) === undefined)
  if (wrong !== undefined) throw bad(text, 'expected etcd://host:port, with more of them behind commas')
  return { scheme: 'etcd', endpoints, cluster }
}

function parseNodes(text: string, rest: string): string[] {
  const entries = rest.split(',').map(entry => entry.trim())
  if (entries.every(entry => entry === ''))
    throw bad(text, 'expected nodes://host:port, with more of them behind commas')
  return entries.filter(entry => entry !== '').flatMap(expandAddresses)
}
