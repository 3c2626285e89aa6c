import { invalidInput } from '../../../core/errors.ts'
import type { ApiReply } from '../../http/route.ts'
import { type CreatePorts, refuseTaken } from '../create/create-container.ts'
import type { Located } from './locate.ts'

/** `docker rename` over the cluster, where a name is a container's alone. Throws 409 `NAME_TAKEN`. */
export async function renameContainer(
  { node, id, name }: Located,
  wanted: string,
  { nodes, state, locks }: Pick<CreatePorts, 'nodes' | 'state' | 'locks'>,
): Promise<ApiReply> {
  const bare = wanted.replace(/^\//, '')
  if (bare === '') throw invalidInput('BAD_NAME', 'Neither old nor new names may be empty')
  // Its own name is refused by its engine, which says so better.
  const done = await locks.run('place', async () => {
    if (bare !== name) refuseTaken(bare, state)
    return state.holdName(bare)
  })
  try {
    await node.engine.containers.rename(id, bare)
    await nodes.inventory.refresh(node.name, id)
  } finally {
    done()
  }
  return { status: 204, text: '' }
}
