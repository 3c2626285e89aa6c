import type { CommandGroup } from '../../command.ts'

/** `swarm node`: the nodes of the cluster, as the manager sees them. */
export const nodeGroup: CommandGroup = {
  name: 'node',
  summary: 'Look at nodes, and say what may run on them',
  commands: [],
}
