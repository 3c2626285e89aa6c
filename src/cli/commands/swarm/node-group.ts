import type { CommandGroup, CommandLeaf, OptionDefinition } from '../../command.ts'
import { MANAGER_OPTIONS } from '../../manager/manager-address.ts'

const NODE_PARTS = () => import('./node.ts')

const DRAIN_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--wait', summary: 'until a drained node is empty, or nothing more can leave it (exit code 3)' },
  { flags: '--timeout <duration>', summary: 'how long to wait (default: 5m)' },
  { flags: '--dry-run', summary: 'only say what would change' },
]
const DRAIN_HELP = `A task stops once its successor is well on another node. One that no other node can take goes on running and
says why. Containers of docker run stay; see their reschedule policy.`

const NODE_COMMANDS: readonly CommandLeaf[] = [
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
      ...DRAIN_OPTIONS,
    ],
    load: async () => (await NODE_PARTS()).runUpdate,
  },
  {
    name: 'drain',
    summary: 'Move the tasks of services away: update --availability drain',
    args: '<node>',
    options: DRAIN_OPTIONS,
    footer: DRAIN_HELP,
    load: async () => (await NODE_PARTS()).runDrain,
  },
  {
    name: 'rm',
    aliases: ['remove'],
    summary: 'Forget nodes that are down',
    args: '<node...>',
    options: [
      { flags: '-f, --force', summary: 'give up the data of the volumes they hold' },
      { flags: '--dry-run', summary: 'only say what would be done' },
    ],
    load: async () => (await NODE_PARTS()).runRemove,
  },
]

/** `swarm node`: the nodes of the cluster, as the manager sees them. */
export const nodeGroup: CommandGroup = {
  name: 'node',
  summary: 'Look at nodes, and say what may run on them',
  // Which manager is asked may be said before the verb or behind it.
  options: MANAGER_OPTIONS,
  commands: NODE_COMMANDS.map(command => ({ ...command, options: [...MANAGER_OPTIONS, ...(command.options ?? [])] })),
}
