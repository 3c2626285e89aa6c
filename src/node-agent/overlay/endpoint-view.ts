import type { EndpointRecord } from '../../core/model/node.ts'
import type { NameSource } from '../../runtime/index.ts'

/** The endpoints of all networks as they are known now. */
export interface EndpointView {
  readonly on: (network: string) => readonly EndpointRecord[]
  /** Hosts whose endpoints are to be left out. */
  readonly suspected: () => ReadonlySet<string>
}

/** Whether traffic may be sent to the endpoint. */
export function isServing(endpoint: EndpointRecord, suspected: ReadonlySet<string>): boolean {
  return endpoint.kind !== 'gateway' && endpoint.healthy && !suspected.has(endpoint.hostAddress)
}

/**
 * The cluster's names: of a service every healthy replica, of a container itself. A name that exists but has nothing
 * healthy is known and empty, so that nobody asks for it outside.
 */
export function clusterNames(view: EndpointView): Required<Pick<NameSource, 'lookup' | 'all'>> {
  return {
    all(network) {
      const suspected = view.suspected()
      const names = new Map<string, string[]>()
      for (const endpoint of view.on(network)) {
        if (endpoint.kind === 'gateway') continue
        for (const name of new Set(endpoint.names.map(each => each.toLowerCase()))) {
          const addresses = names.get(name) ?? []
          names.set(name, addresses)
          if (isServing(endpoint, suspected)) addresses.push(endpoint.address)
        }
      }
      return names
    },
    lookup(network, name) {
      const named = view
        .on(network)
        .filter(({ kind, names }) => kind !== 'gateway' && names.some(known => known.toLowerCase() === name))
      if (named.length === 0) return undefined
      const suspected = view.suspected()
      return named.filter(endpoint => isServing(endpoint, suspected)).map(({ address }) => address)
    },
  }
}
