import type { EndpointAddresses, EndpointConfig } from '../../../../docker-api/index.ts'
import type { Options } from '../../../command.ts'
import { readArgument } from '../../../usage.ts'
import { bad, link, splitPair } from './read-values.ts'

/** A network to be connected to, and how. */
interface Attachment {
  readonly name: string
  readonly endpoint: EndpointConfig
}

/** The networks asked for: the first one is the container's mode, and the flags of an endpoint are for it. Throws BAD_FLAG. */
export function readNetworks(options: Options): { mode: string; endpoints: Record<string, EndpointConfig> } {
  const given = [...options.list('network'), ...options.list('net')]
  const asked = given.map(text => readArgument('--network', text, readNetwork))
  const [first = { name: 'default', endpoint: {} }, ...others] = asked
  const all = [{ ...first, endpoint: merged(first, flagsOf(options, first.name)) }, ...others]
  const endpoints: Record<string, EndpointConfig> = {}
  for (const { name, endpoint } of all) {
    if (name.trim() === '') throw bad('no name set for network')
    checkEndpoint(name, endpoint)
    if (Object.hasOwn(endpoints, name)) throw bad(`network "${name}" is specified multiple times`)
    endpoints[name] = endpoint
  }
  const own = all.filter(({ name }) => isUserDefined(name)).length
  if (own > 0 && own < all.length) {
    throw bad('conflicting options: cannot attach both user-defined and non-user-defined network-modes')
  }
  const isPlain = all.length === 1 && Object.keys(all[0]?.endpoint ?? {}).length === 0
  return { mode: first.name, endpoints: isPlain ? {} : endpoints }
}

/** Not one of docker's modes but a network that somebody made. */
function isUserDefined(name: string): boolean {
  return !['default', 'bridge', 'host', 'none'].includes(name) && !name.startsWith('container:')
}

function checkEndpoint(name: string, { Aliases = [], Links = [], MacAddress = '' }: EndpointConfig): void {
  if (MacAddress !== '' && !isMac(MacAddress)) throw bad(`${MacAddress} is not a valid mac address`)
  if (isUserDefined(name)) return
  if ((Aliases ?? []).length > 0) throw bad('network-scoped aliases are only supported for user-defined networks')
  if ((Links ?? []).length > 0) throw bad('links are only supported for user-defined networks')
}

export function isMac(text: string): boolean {
  return /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)
}

/** What the flags `--ip`, `--network-alias`, `--link` and their like say of the first network. */
function flagsOf(options: Options, name: string): EndpointConfig {
  const aliases = [...options.list('networkAlias'), ...options.list('netAlias')]
  // On docker's own networks links are the container's affair.
  const links = isUserDefined(name) ? options.list('link').map(text => readArgument('--link', text, link)) : []
  const mac = options.text('macAddress') ?? ''
  return {
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(links.length === 0 ? {} : { Links: links }),
    ...addressesOf(options),
    ...(mac === '' ? {} : { MacAddress: mac }),
  }
}

/** The addresses that `--ip`, `--ip6` and `--link-local-ip` ask for, also of `network connect`. */
export function addressesOf(options: Options): Pick<EndpointConfig, 'IPAMConfig'> {
  const [ip = '', ip6 = ''] = [options.text('ip'), options.text('ip6')]
  return withAddresses({ ip, ip6, linkLocal: options.list('linkLocalIp') })
}

interface Addresses {
  readonly ip: string
  readonly ip6: string
  readonly linkLocal: readonly string[]
}

function withAddresses({ ip, ip6, linkLocal }: Addresses): Pick<EndpointConfig, 'IPAMConfig'> {
  const addresses: EndpointAddresses = {
    ...(ip === '' ? {} : { IPv4Address: ip }),
    ...(ip6 === '' ? {} : { IPv6Address: ip6 }),
    ...(linkLocal.length === 0 ? {} : { LinkLocalIPs: linkLocal }),
  }
  return Object.keys(addresses).length === 0 ? {} : { IPAMConfig: addresses }
}

/** What can be said in both ways, and how each is called. */
const TWICE: readonly (readonly [flag: string, own: string, of: (endpoint: EndpointConfig) => unknown])[] = [
  ['network-alias', 'alias', ({ Aliases }) => Aliases],
  ['link', 'links', ({ Links }) => Links],
  ['ip', 'IPv4 address', ({ IPAMConfig }) => IPAMConfig?.IPv4Address],
  ['ip6', 'IPv6 address', ({ IPAMConfig }) => IPAMConfig?.IPv6Address],
  ['link-local-ip', 'link-local IP addresses', ({ IPAMConfig }) => IPAMConfig?.LinkLocalIPs],
  ['mac-address', 'MAC address', ({ MacAddress }) => MacAddress],
]

/** What `--network name=…` and the flags say together; nothing may be said twice. */
function merged({ endpoint: own }: Attachment, flags: EndpointConfig): EndpointConfig {
  const clash = TWICE.find(([, , of]) => of(own) !== undefined && of(flags) !== undefined)
  if (clash !== undefined) {
    throw bad(`conflicting options: cannot specify both --${clash[0]} and per-network ${clash[1]}`)
  }
  const addresses = { ...own.IPAMConfig, ...flags.IPAMConfig }
  return { ...own, ...flags, ...(Object.keys(addresses).length === 0 ? {} : { IPAMConfig: addresses }) }
}

const FIELDS: ReadonlySet<string> = new Set([
  'name',
  'alias',
  'ip',
  'ip6',
  'link-local-ip',
  'mac-address',
  'driver-opt',
])

/** `front`, or `name=front,alias=web,ip=10.0.0.9`. */
function readNetwork(text: string): Attachment {
  if (!/^[\w-]+=/.test(text)) return { name: text, endpoint: {} }
  const fields = text.split(',').map(field => {
    if (!field.includes('=')) throw bad(`invalid field ${field}`)
    const [key, value] = splitPair(field)
    return [key.trim().toLowerCase(), value] as const
  })
  const values = (key: string): readonly string[] => fields.flatMap(([name, value]) => (name === key ? [value] : []))
  const unknown = fields.find(([name]) => !FIELDS.has(name))?.[0]
  if (unknown === 'gw-priority') throw bad('gw-priority is not supported: the way out is the network joined first')
  if (unknown !== undefined) throw bad(`invalid field key ${unknown}`)
  const name = values('name').at(-1) ?? ''
  if (name === '') throw bad('network name/id is not specified')
  const options = values('driver-opt')
  if (options.some(option => !option.includes('='))) throw bad('invalid key value pair format in driver options')
  const mac = values('mac-address').at(-1)
  return {
    name,
    endpoint: {
      ...(values('alias').length === 0 ? {} : { Aliases: values('alias') }),
      ...withAddresses({
        ip: values('ip').at(-1) ?? '',
        ip6: values('ip6').at(-1) ?? '',
        linkLocal: values('link-local-ip'),
      }),
      ...(mac === undefined ? {} : { MacAddress: mac }),
      ...(options.length === 0 ? {} : { DriverOpts: Object.fromEntries(options.map(splitPair)) }),
    },
  }
}
