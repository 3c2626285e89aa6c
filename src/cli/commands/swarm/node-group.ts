import type { CommandGroup } from '../../command.ts'
import { CLIENT_TLS_OPTIONS } from '../../engine/engine-address.ts'
import { HOST_OPTION } from '../../manager/manager-address.ts'

const NODE_PARTS = () => import('./node.ts')

/** `swarm node`: the nodes of the cluster, as the manager sees them. */
export const nodeGroup: CommandGroup = {
  name: 'node',
  summary: 'Look at nodes, and say what may run on them',
  options: [HOST_OPTION, ...CLIENT_TLS_OPTIONS],
  commands: [
    {
      name: 'ls',
      aliases: ['list'],
      summary: 'List the nodes',
      options: [
        { flags: '--format <format>', summary: 'table, json or a template such as {{.Name}}' },
        { flags: '-q, --quiet', summary: 'names only' },
      ],
      load: async () => (await NODE_PARTS()).runList,
    },
    {
      name: 'inspect',
      summary: 'Show all that is known of nodes',
      args: '<node...>',
      options: [{ flags: '-f, --format <format>', summary: 'json or a template such as {{.status}}' }],
      load: async () => (await NODE_PARTS()).runInspect,
    },
    {
      name: 'update',
      summary: 'Change what may run on a node',
      args: '<node>',
      options: [
        { flags: '--availability <state>', summary: 'active, pause (nothing new) or drain (moves what runs there)' },
        { flags: '--label-add <key=value>', summary: 'add or change a label', repeatable: true },
        { flags: '--label-rm <key>', summary: 'remove a label', repeatable: true },
        { flags: '--dry-run', summary: 'only say what would change' },
      ],
      load: async () => (await NODE_PARTS()).runUpdate,
    },
  ],
}
