import type { CommandGroup } from '../../command.ts'
import { FILTER, FORCE_YES, FORMAT, flag, flags, refused } from '../../engine/options.ts'

const CLUSTER = 'is only for cluster volumes of swarm mode, which are not supported'

/** What `docker volume create` takes for them. */
const CLUSTER_FLAGS = [
  'availability',
  'group',
  'limit-bytes',
  'required-bytes',
  'scope',
  'secret',
  'sharing',
  'topology-preferred',
  'topology-required',
  'type',
]

/** `shoal volume …`. */
export const volumeGroup: CommandGroup = {
  name: 'volume',
  summary: 'manage volumes',
  group: 'Groups:',
  commands: [
    {
      name: 'ls',
      aliases: ['list'],
      summary: 'list volumes',
      options: [FILTER, FORMAT, flag('-q, --quiet', 'only names'), refused('--cluster', CLUSTER)],
      load: async () => (await import('./volumes.ts')).runVolumeList,
    },
    {
      name: 'create',
      summary: 'make a volume',
      args: '[name]',
      usage: '[OPTIONS] [VOLUME]',
      options: [
        flag('-d, --driver <name>', 'driver (default: local)'),
        flags('-o, --opt <name=value>', 'option of the driver: type, o, device'),
        flags('--label <name=value>', 'set a label'),
        { flags: '--name <name>', summary: 'its name', hidden: true },
        ...CLUSTER_FLAGS.map(name => refused(`--${name} <value>`, CLUSTER)),
      ],
      load: async () => (await import('./volumes.ts')).runVolumeCreate,
    },
    {
      name: 'inspect',
      summary: 'show all of volumes',
      args: '<volume...>',
      options: [flag('-f, --format <format>', 'json or a template')],
      load: async () => (await import('../system/inspect.ts')).inspectKind('volume'),
    },
    {
      name: 'rm',
      aliases: ['remove'],
      summary: 'remove volumes',
      args: '<volume...>',
      options: [flag('-f, --force', 'it is no failure if there is none')],
      load: async () => (await import('./volumes.ts')).runVolumeRemove,
    },
    {
      name: 'update',
      summary: 'change a volume of a swarm',
      args: '<volume>',
      hidden: true,
      options: [refused('--availability <value>', CLUSTER)],
      load: async () => (await import('./volumes.ts')).runVolumeUpdate,
    },
    {
      name: 'prune',
      summary: 'remove volumes that nothing uses',
      options: [
        flag('-a, --all', 'also those with a name'),
        FORCE_YES,
        flags('--filter <key=value>', 'only those that match'),
      ],
      load: async () => (await import('../system/prune.ts')).pruneKind('volume'),
    },
  ],
}
