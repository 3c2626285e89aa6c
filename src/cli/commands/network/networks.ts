import { invalidInput } from '../../../core/errors.ts'
import {
  type EndpointConfig,
  filterQuery,
  type NetworkCreateRequest,
  type NetworkInspect,
} from '../../../docker-api/index.ts'
import { pathOf, withEngine } from '../../engine/engine-api.ts'
import { readFilters } from '../../engine/filters.ts'
import { forEach } from '../../engine/for-each.ts'
import { printListing } from '../../engine/listing.ts'
import { labelText, shortId } from '../../output/shorten.ts'
import { labelsOf } from '../container/create/read-lines.ts'
import { addressesOf } from '../container/create/read-networks.ts'
import { pairs } from '../container/create/read-values.ts'
import { ipamOf } from './ipam.ts'

/** `shoal network ls`. */
export const runNetworkList = withEngine(async command => {
  const { api, options } = command
  const query = { filters: filterQuery(readFilters(options.list('filter'))) }
  const networks = await api.ask<readonly NetworkInspect[]>('GET', '/networks', { query })
  const trunc = options.choice('trunc') !== false
  const rows = networks
    .toSorted((a, b) => (a.Name < b.Name ? -1 : 1))
    .map(network => ({
      ID: trunc ? shortId(network.Id) : network.Id,
      Name: network.Name,
      Driver: network.Driver,
      Scope: network.Scope,
      IPv4: String((network as { EnableIPv4?: boolean }).EnableIPv4 ?? false),
      IPv6: String(network.EnableIPv6),
      Internal: String(network.Internal),
      Labels: labelText(network.Labels),
      Label: (name: unknown) => network.Labels?.[String(name)] ?? '',
      CreatedAt: goLocalTime(network.Created),
    }))
  printListing(command, rows, {
    id: 'ID',
    fields: ['ID', 'Name', 'Driver', 'Scope'],
    titles: { ID: 'NETWORK ID', IPv4: 'IPV4', IPv6: 'IPV6', CreatedAt: 'CREATED AT' },
    raw: {
      id: 'network_id: {{.ID}}',
      row: 'network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n',
    },
  })
})

/** An RFC 3339 time with its fraction, as Go prints it: `2026-01-02 15:04:05.123 +0000 UTC`. */
function goLocalTime(text: string): string {
  const [, day = '', time = '', zone = ''] = /^(\S+?)T([\d:.]+)(Z|[+-]\d\d:\d\d)$/.exec(text) ?? []
  const offset = zone === 'Z' ? '+0000 UTC' : `${zone.replace(':', '')} ${zone.replace(':', '')}`
  return `${day} ${time.replace(/0+$/, '').replace(/\.$/, '')} ${offset}`
}

/** `shoal network create`: prints the id. */
export const runNetworkCreate = withEngine(async ({ api, args, options, context }) => {
  const configFrom = options.text('configFrom')
  const body = {
    Name: args[0] ?? '',
    Driver: options.text('driver') ?? 'bridge',
    Options: pairs(options.list('opt')),
    IPAM: ipamOf(options),
    Internal: options.flag('internal'),
    EnableIPv6: options.flag('ipv6'),
    ...(options.choice('ipv4') === false ? { EnableIPv4: false } : {}),
    Attachable: options.flag('attachable'),
    Ingress: options.flag('ingress'),
    Scope: options.text('scope') ?? '',
    ConfigOnly: options.flag('configOnly'),
    ...(configFrom === undefined ? {} : { ConfigFrom: { Network: configFrom } }),
    Labels: labelsOf(options),
    CheckDuplicate: true,
  } as NetworkCreateRequest
  const { Id, Warning } = await api.ask<{ Id: string; Warning?: string }>('POST', '/networks/create', { body })
  if (Warning) context.stderr.write(`WARNING: ${Warning}\n`)
  context.stdout.write(`${Id}\n`)
})

/** `shoal network rm`. */
export const runNetworkRemove = withEngine(command => {
  const removeOne = async (name: string): Promise<void> => {
    await command.api.ask('DELETE', pathOf('networks', name))
  }
  return forEach(command, removeOne, {
    inTurn: true,
    ...(command.options.flag('force') ? { mayBeGone: 'silent' } : {}),
  })
})

/** `shoal network connect NETWORK CONTAINER`. */
export const runConnect = withEngine(async ({ api, args, options }) => {
  const [network = '', Container = ''] = args
  const [aliases, links, driverOptions] = [options.list('alias'), options.list('link'), options.list('driverOpt')]
  const EndpointConfig: EndpointConfig = {
    ...addressesOf(options),
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(links.length === 0 ? {} : { Links: links }),
    ...(driverOptions.length === 0 ? {} : { DriverOpts: pairs(driverOptions) }),
  }
  await api.ask('POST', pathOf('networks', network, 'connect'), { body: { Container, EndpointConfig } })
})

/** `shoal network disconnect NETWORK CONTAINER`. */
export const runDisconnect = withEngine(async ({ api, args, options }) => {
  const [network = '', Container = ''] = args
  if (Container === '') throw invalidInput('BAD_FLAG', 'Cannot disconnect nothing: expected a network and a container')
  const body = { Container, Force: options.flag('force') }
  await api.ask('POST', pathOf('networks', network, 'disconnect'), { body })
})
