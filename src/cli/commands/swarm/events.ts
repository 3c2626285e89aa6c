import { invalidInput } from '../../../core/errors.ts'
import { withEngine } from '../../engine/engine-api.ts'
import { MANAGER } from '../../manager/manager-address.ts'
import { watchEvents } from '../system/events.ts'

const FILTERS: readonly string[] =
  'node type event container image network volume label scope daemon plugin service secret config'.split(' ')

/** `swarm events`: those of every node, and of nodes that come and go, as the manager tells them. */
export const runSwarmEvents = withEngine(async command => {
  for (const filter of command.options.list('filter')) {
    const [key = ''] = filter.split('=')
    // Engines ignore what they do not know, and everything would be shown.
    if (!FILTERS.includes(key)) throw invalidInput('BAD_FILTER', `Invalid filter '${key}': use ${FILTERS.join(', ')}`)
  }
  return watchEvents(command)
}, MANAGER)
