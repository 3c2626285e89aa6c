import type { EndpointRecord } from '../../core/model/node.ts'
import type { NameSource } from '../../runtime/index.ts'

/** The endpoints of all networks as they are known now. */
export interface EndpointView {
  readonly on: (network: string) => readonly EndpointRecord[]
  /** Hosts whose endpoints are to be left out. */
  readonly suspected: () => ReadonlySet<string>
  /** Whether an agent looks after the host's containers, as far as the store knows. */
  readonly isTended: (host: string) => boolean
}

/** Whether traffic may be sent to the endpoint. */
function isServing(endpoint: EndpointRecord, suspected: ReadonlySet<string>): boolean {
  return endpoint.kind !== 'gateway' && endpoint.healthy && !suspected.has(endpoint.hostAddress)
}

/**
 * Those of the endpoints of one name or service that get traffic. One whose agent is gone for good serves on while nobody else
 * can: others are started in its place, but for a volume that is tied to its host.
 */
export function servingOf(endpoints: readonly EndpointRecord[], view: EndpointView): readonly EndpointRecord[] {
  const suspected = view.suspected()
  const serving = endpoints.filter(endpoint => isServing(endpoint, suspected))
  const tended = serving.filter(({ hostAddress }) => view.isTended(hostAddress))
  return tended.length > 0 ? tended : serving
}

/**
 * The cluster's names: of a service every healthy replica, of a container itself. A name that exists but has nothing
 * healthy is known and empty, so that nobody asks for it outside.
 */
export function clusterNames(view: EndpointView): Required<Pick<NameSource, 'lookup' | 'all'>> {
  const addressesOf = (endpoints: readonly EndpointRecord[]): string[] =>
    servingOf(endpoints, view).map(({ address }) => address)
  return {
    all(network) {
      const named = new Map<string, EndpointRecord[]>()
      for (const endpoint of view.on(network)) {
        if (endpoint.kind === 'gateway') continue
        for (const name of new Set(endpoint.names.map(each => each.toLowerCase()))) {
          named.set(name, [...(named.get(name) ?? []), endpoint])
        }
      }
      return new Map([...named].map(([name, endpoints]) => [name, addressesOf(endpoints)]))
    },
    lookup(network, name) {
      const named = view
        .on(network)
        .filter(({ kind, names }) => kind !== 'gateway' && names.some(known => known.toLowerCase() === name))
      return named.length === 0 ? undefined : addressesOf(named)
    },
  }
}
