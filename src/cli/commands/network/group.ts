import type { CommandGroup } from '../../command.ts'
import { FILTER, FORCE_YES, FORMAT, flag, flags, NO_TRUNC, QUIET } from '../../engine/options.ts'

/** `shoal network …`. */
export const networkGroup: CommandGroup = {
  name: 'network',
  summary: 'manage networks',
  group: 'Groups:',
  commands: [
    {
      name: 'ls',
      aliases: ['list'],
      summary: 'list networks',
      options: [FILTER, FORMAT, NO_TRUNC, QUIET],
      load: async () => (await import('./networks.ts')).runNetworkList,
    },
    {
      name: 'create',
      summary: 'make a network',
      args: '<name>',
      options: [
        flag('-d, --driver <name>', 'bridge or macvlan (default: bridge)'),
        flags('-o, --opt <name=value>', 'option of the driver'),
        flags('--subnet <cidr>', 'its addresses'),
        flags('--ip-range <cidr>', 'give containers addresses from here'),
        flags('--gateway <address>', 'its gateway'),
        flags('--aux-address <name=address>', 'an address that is taken'),
        flag('--ipam-driver <name>', 'driver of addresses'),
        flags('--ipam-opt <name=value>', 'option of that driver'),
        flag('--internal', 'without a way out'),
        flag('--ipv6', 'also with IPv6'),
        flag('--no-ipv4', 'without IPv4'),
        flag('--attachable', 'containers may be attached by hand'),
        flag('--ingress', 'for published ports of a swarm'),
        flag('--scope <scope>', 'scope'),
        flags('--label <name=value>', 'set a label'),
      ],
      load: async () => (await import('./networks.ts')).runNetworkCreate,
    },
    {
      name: 'inspect',
      summary: 'show all of networks',
      args: '<network...>',
      options: [flag('-f, --format <format>', 'json or a template'), flag('-v, --verbose', 'more')],
      load: async () => (await import('../system/inspect.ts')).inspectKind('network'),
    },
    {
      name: 'rm',
      aliases: ['remove'],
      summary: 'remove networks',
      args: '<network...>',
      options: [flag('-f, --force', 'it is no failure if there is none')],
      load: async () => (await import('./networks.ts')).runNetworkRemove,
    },
    {
      name: 'connect',
      summary: 'connect a container to a network',
      args: '<network> <container>',
      options: [
        flag('--ip <address>', 'its IPv4 address'),
        flag('--ip6 <address>', 'its IPv6 address'),
        flags('--alias <name>', 'another name on the network'),
        flags('--link <container[:alias]>', 'reach another container by a name'),
        flags('--link-local-ip <address>', 'a link-local address'),
        flags('--driver-opt <name=value>', 'option of the driver'),
      ],
      load: async () => (await import('./networks.ts')).runConnect,
    },
    {
      name: 'disconnect',
      summary: 'disconnect a container from a network',
      args: '<network> <container>',
      options: [flag('-f, --force', 'in any case')],
      load: async () => (await import('./networks.ts')).runDisconnect,
    },
    {
      name: 'prune',
      summary: 'remove networks that nothing uses',
      options: [FORCE_YES, flags('--filter <key=value>', 'only those that match')],
      load: async () => (await import('../system/prune.ts')).pruneKind('network'),
    },
  ],
}
