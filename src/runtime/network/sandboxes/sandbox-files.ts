import type { SandboxRequest } from '../../ports.ts'

/** The files a container finds as /etc/hostname, /etc/hosts and /etc/resolv.conf. Source: what dockerd writes. */

const LOCAL_HOSTS = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
]

export interface HostsInput {
  readonly request: Pick<SandboxRequest, 'hostname' | 'domainname' | 'extraHosts'>
  readonly addresses: readonly string[]
  /** Stands for `host-gateway`. */
  readonly hostAddress: string | undefined
  /** Lines to start from instead of the usual ones: a container on the host's network sees the host's. */
  readonly base?: string
}

export function hostsFile({ request, addresses, hostAddress, base }: HostsInput): string {
  const { hostname, domainname, extraHosts } = request
  const own = domainname === '' ? hostname : `${hostname}.${domainname} ${hostname}`
  const extra = extraHosts.flatMap(entry => {
    const at = entry.search(/[:=]/)
    const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1')
    const resolved = address === 'host-gateway' ? hostAddress : address
    return at < 0 || resolved === undefined ? [] : [`${resolved}\t${entry.slice(0, at)}`]
  })
  const lines = [...(base === undefined ? LOCAL_HOSTS : [base.trimEnd()]), ...extra]
  return `${[...lines, ...addresses.map(address => `${address}\t${own}`)].join('\n')}\n`
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
    ...servers.map(server => `nameserver ${server}\n`),
    ...(search.length === 0 ? [] : [`search ${search.join(' ')}\n`]),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}\n`]),
  ].join('')
}

export interface ResolverChoice {
  readonly request: Pick<SandboxRequest, 'dns' | 'dnsSearch' | 'dnsOptions'>
  readonly host: ResolverConfig
  /** Address of our own server, reachable from the container. */
  readonly embedded: string | undefined
  /** Whether the container is on a network with names, which only our server knows. */
  readonly hasNames: boolean
  /** On the host's network the host's loopback is the container's. */
  readonly isHost: boolean
}

const isLoopback = (server: string): boolean => server.startsWith('127.') || server === '::1'

/**
 * Which servers a container asks. On networks with names ours, which asks those of the request in turn. Elsewhere the
 * request's or the host's own, as dockerd does; ours also when the host's are reachable from the host alone.
 */
export function chooseResolver({ request, host, embedded, hasNames, isHost }: ResolverChoice): ResolverConfig {
  const reachable = host.servers.filter(server => isHost || !isLoopback(server))
  const outside = request.dns.length > 0 ? request.dns : reachable
  const needsOurs = hasNames || outside.length === 0
  return {
    servers: needsOurs && embedded !== undefined ? [embedded] : outside,
    search: request.dnsSearch.length > 0 ? request.dnsSearch.filter(domain => domain !== '.') : host.search,
    options: request.dnsOptions.length > 0 ? request.dnsOptions : hasNames ? ['ndots:0'] : host.options,
  }
}
