import { notFound, ShoalError } from '../core/errors.ts'
import type { NetworkOperations } from '../docker-api/index.ts'
import type { Containers } from './containers/index.ts'
import type { EventBus } from './events/index.ts'
import { checkConnect, checkDisconnect, type LocalNetworks } from './network/index.ts'

/**
 * The network operations of the engine: those of the network room, with containers named as everywhere else, memory of what
 * a container that does not run will join, and events.
 *
 * A container's own record is written last: cut off before that, a change is undone by the next engine.
 */
export function engineNetworks(
  networks: LocalNetworks,
  { containers, events }: { readonly containers: Containers; readonly events: EventBus },
): NetworkOperations {
  const tell = (action: string, { Id, Name, Driver }: { Id: string; Name: string; Driver: string }): void =>
    events.emit('network', action, { ID: Id, Attributes: { name: Name, type: Driver } })
  return {
    ...networks,
    create: async request => {
      const created = await networks.create(request)
      tell('create', await networks.inspect(created.Id))
      return created
    },
    remove: async reference => {
      const network = await networks.inspect(reference)
      await networks.remove(network.Id)
      tell('destroy', network)
    },
    connect: async (reference, container, endpoint) => {
      const network = networks.need(reference)
      const { id } = containers.locate(container)
      await containers.changeNetworks(id, async found => {
        checkConnect(found, network, endpoint)
        if (found.running) await networks.connect(network.id, id, endpoint)
        return { join: network, endpoint }
      })
    },
    disconnect: async (reference, container, { force = false }) => {
      const network = networks.need(reference)
      const { id } = locateForced(containers, container, force)
      await containers.changeNetworks(id, async found => {
        checkDisconnect(found, network)
        if (found.running) await networks.disconnect(network.id, id, { force })
        return { leave: network }
      })
    },
    prune: async options => {
      const removed = await networks.prune(options)
      for (const network of removed) tell('destroy', network)
      events.emit('network', 'prune', { ID: '', Attributes: { reclaimed: '0' } })
      return removed.map(({ Name }) => Name)
    },
  }
}

/** Force is for endpoints whose container is gone; here none outlives its container. */
function locateForced(containers: Containers, reference: string, force: boolean): { readonly id: string } {
  try {
    return containers.locate(reference)
  } catch (error) {
    if (!force || !(error instanceof ShoalError) || error.status !== 404) throw error
    throw notFound('NO_SUCH_ENDPOINT', `endpoint ${reference} not found`)
  }
}
