import { invalidInput } from '../../../core/errors.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { managerAddress } from '../../manager/manager-address.ts'
import { runEvents } from '../system/events.ts'

const FILTERS: readonly string[] =
  'node type event container image network volume label scope daemon plugin service secret config'.split(' ')

/** `swarm events`: those of every node, and of nodes that come and go, as the manager tells them. */
export function runSwarmEvents(invocation: Invocation, context: CommandContext): Promise<number | void> {
  const { url } = managerAddress(invocation, context)
  const { globals, options } = invocation
  for (const filter of options.list('filter')) {
    const [key = ''] = filter.split('=')
    // Engines ignore what they do not know, and everything would be shown.
    if (!FILTERS.includes(key)) throw invalidInput('BAD_FILTER', `Invalid filter '${key}': use ${FILTERS.join(', ')}`)
  }
  const toManager = { ...globals, text: (name: string) => (name === 'host' ? url : globals.text(name)) }
  return runEvents({ ...invocation, globals: toManager }, context)
}
