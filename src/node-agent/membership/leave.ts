import { errorMessage } from '../../core/errors.ts'
import { TASK_LABEL, taskIdIn } from '../../core/model/labels.ts'
import { memberCodec } from '../../discovery/index.ts'
import type { AgentPorts } from '../ports.ts'
import { tryAll } from '../try-all.ts'

export type LeavePorts = Pick<AgentPorts, 'engine' | 'store' | 'keys' | 'overlay' | 'log'>

/**
 * Takes this node out of its cluster: its membership ends at once, and the containers of its tasks are removed with their addresses;
 * with `networks` the cluster's networks and rules on this host too. Containers of `docker run` stay. What fails is logged and
 * keeps nothing else from being done. Resolves with whether all was done.
 */
export async function leaveCluster(
  { name, memberId, networks }: { readonly name: string; readonly memberId: string; readonly networks: boolean },
  ports: LeavePorts,
): Promise<boolean> {
  const { engine, store, keys, overlay, log } = ports
  const steps: (readonly [what: string, work: () => Promise<void>])[] = [
    // First, so that the manager starts the tasks elsewhere while they end here.
    ['end the membership', () => endMembership({ name, memberId }, ports)],
    ['remove the containers of tasks', () => removeContainers(engine)],
    ['give addresses back', () => overlay.releaseAllBut(new Set())],
    [
      'remove the networks',
      async () => {
        const { items } = await store.list(keys.networks)
        await overlay.removeNetworks(items.map(({ key }) => key.slice(keys.networks.length)))
      },
    ],
  ]
  let isDone = true
  for (const [what, work] of networks ? steps : steps.slice(0, -1)) {
    try {
      await work()
    } catch (error) {
      isDone = false
      log.error({ error: errorMessage(error) }, `leaving: cannot ${what}`)
    }
  }
  return isDone
}

/** Deletes the member's record, unless somebody else has the name by now. */
export async function endMembership(
  { name, memberId }: { readonly name: string; readonly memberId: string },
  { store, keys }: Pick<LeavePorts, 'store' | 'keys'>,
): Promise<void> {
  const key = keys.member(name)
  const stored = await store.get(key)
  if (stored === undefined || memberCodec.decode(stored.value).id !== memberId) return
  await store.txn([{ key, modRevision: stored.modRevision }], [{ delete: key }])
}

async function removeContainers(engine: LeavePorts['engine']): Promise<void> {
  const containers = await engine.containers.list({ all: true, filters: { label: [TASK_LABEL] } })
  const ours = containers.filter(({ Labels }) => taskIdIn(Labels) !== undefined)
  await tryAll(ours, ({ Id }) => engine.containers.remove(Id, { force: true, volumes: false }))
}
