import type { CommandContext, Invocation } from '../../command.ts'
import { managerAddress } from '../../manager/manager-address.ts'
import { runEvents } from '../system/events.ts'

/** `swarm events`: those of every node, and of nodes that come and go, as the manager tells them. */
export function runSwarmEvents(invocation: Invocation, context: CommandContext): Promise<number | void> {
  const { url } = managerAddress(invocation, context)
  const { globals } = invocation
  const toManager = { ...globals, text: (name: string) => (name === 'host' ? url : globals.text(name)) }
  return runEvents({ ...invocation, globals: toManager }, context)
}
