import type { SandboxRequest } from '../../ports.ts'
import { RESOLVER_ADDRESS } from '../dns/resolver-sockets.ts'

/** The files a container finds as /etc/hostname, /etc/hosts and /etc/resolv.conf. Source: what dockerd writes. */

const LOCAL_HOSTS = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'ff00::0\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
]

type Named = Pick<SandboxRequest, 'hostname' | 'domainname' | 'extraHosts'>

export interface HostsInput {
  readonly request: Named
  readonly addresses: readonly string[]
  /** Stands for `host-gateway`. */
  readonly hostAddress: string | undefined
  /** Lines to start from instead of the usual ones: a container on the host's network sees the host's. */
  readonly base?: string
  /** Lines about containers that this one is linked to. */
  readonly links?: readonly string[]
}

export function hostsFile({ request, addresses, hostAddress, base, links = [] }: HostsInput): string {
  const extra = request.extraHosts.flatMap(entry => {
    const at = entry.search(/[:=]/)
    const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1')
    const resolved = address === 'host-gateway' ? hostAddress : address
    return at < 0 || resolved === undefined ? [] : [`${resolved}\t${entry.slice(0, at)}`]
  })
  const lines = [...(base === undefined ? LOCAL_HOSTS : [base.trimEnd()]), ...extra, ...links]
  return `${[...lines, ...addresses.map(address => ownLine(address, request))].join('\n')}\n`
}

function ownLine(address: string, { hostname, domainname }: Named): string {
  const [short = ''] = hostname.split('.')
  if (domainname !== '') return `${address}\t${hostname}.${domainname} ${hostname}`
  return `${address}\t${short === hostname ? hostname : `${hostname} ${short}`}`
}

/** The file with the container's own addresses changed; what else was written into it meanwhile stays. */
export function updateHosts(
  text: string,
  {
    gone,
    fresh,
    request,
  }: { readonly gone: readonly string[]; readonly fresh: readonly string[]; readonly request: Named },
): string {
  const kept = text.split('\n').filter(line => line !== '' && !gone.includes(line.split(/\s/)[0] ?? ''))
  return `${[...kept, ...fresh.map(address => ownLine(address, request))].join('\n')}\n`
}

export interface ResolverConfig {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

export function parseResolvConf(text: string): ResolverConfig {
  const fields = text.split('\n').map(line =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/),
  )
  const values = (keyword: string): string[][] => fields.filter(([word]) => word === keyword).map(line => line.slice(1))
  return {
    servers: values('nameserver').flatMap(([server]) => server ?? []),
    search: values('search').at(-1) ?? values('domain').at(-1) ?? [],
    options: values('options').flat(),
  }
}

export function resolvConf({ servers, search, options }: ResolverConfig): string {
  return [
    ...(search.length === 0 ? [] : [`search ${search.join(' ')}\n`]),
    ...servers.map(server => `nameserver ${server}\n`),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}\n`]),
  ].join('')
}

export interface ResolverChoice {
  readonly request: Pick<SandboxRequest, 'dns' | 'dnsSearch' | 'dnsOptions'>
  readonly host: ResolverConfig
  /** Whether the container is on a network with names, which only our server knows. */
  readonly hasNames: boolean
  /** Our server has a place in the container: it is on some network of its own. */
  readonly canServe: boolean
  /** On the host's network the host's loopback is the container's. */
  readonly isHost: boolean
}

const isLoopback = (server: string): boolean => server.startsWith('127.') || server === '::1'

/**
 * Which servers a container asks. On networks with names ours, which asks those of the request in turn. Elsewhere the
 * request's or the host's own, as dockerd does; ours also when the host's are reachable from the host alone.
 */
export function chooseResolver({ request, host, hasNames, canServe, isHost }: ResolverChoice): ResolverConfig {
  const reachable = host.servers.filter(server => isHost || !isLoopback(server))
  const outside = request.dns.length > 0 ? request.dns : reachable
  const isOurs = hasNames || (outside.length === 0 && canServe)
  const options = request.dnsOptions.length > 0 ? request.dnsOptions : host.options
  const hasDots = options.some(option => option.startsWith('ndots:'))
  return {
    servers: isOurs ? [RESOLVER_ADDRESS] : outside,
    search: request.dnsSearch.length > 0 ? request.dnsSearch.filter(domain => domain !== '.') : host.search,
    // Bare names are ours to answer before a search domain is tried.
    options: hasNames && !hasDots ? [...options, 'ndots:0'] : options,
  }
}
