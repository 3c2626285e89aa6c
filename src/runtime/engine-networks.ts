import type { NetworkOperations } from '../docker-api/index.ts'
import type { Containers } from './containers/index.ts'
import type { EventBus } from './events/index.ts'
import type { LocalNetworks } from './network/index.ts'

/**
 * The network operations of the engine: those of the network room, with containers named as everywhere else, memory of what
 * a container that does not run will join, and events.
 */
export function engineNetworks(
  networks: LocalNetworks,
  { containers, events }: { readonly containers: Containers; readonly events: EventBus },
): NetworkOperations {
  const tell = (action: string, network: { Id: string; Name: string; Driver: string }, container?: string): void => {
    const about = container === undefined ? {} : { container }
    events.emit('network', action, {
      ID: network.Id,
      Attributes: { name: network.Name, type: network.Driver, ...about },
    })
  }
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
      const network = await networks.inspect(reference)
      const { id, running } = containers.locate(container)
      if (running) await networks.connect(network.Id, id, endpoint)
      await containers.joinNetwork(id, network.Name, endpoint)
      tell('connect', network, id)
    },
    disconnect: async (reference, container, options) => {
      const network = await networks.inspect(reference)
      const { id, running } = containers.locate(container)
      if (running) await networks.disconnect(network.Id, id, options)
      await containers.leaveNetwork(id, network.Name)
      tell('disconnect', network, id)
    },
    prune: async options => {
      const removed = await networks.prune(options)
      for (const network of removed) tell('destroy', network)
      events.emit('network', 'prune', { ID: '', Attributes: { reclaimed: '0' } })
      return removed.map(({ Name }) => Name)
    },
  }
}
