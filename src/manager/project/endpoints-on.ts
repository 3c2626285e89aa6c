import type { EndpointRecord } from '../../core/model/node.ts'
import { type ClusterKeys, endpointCodec, type Store } from '../../discovery/index.ts'

/** The addresses on a network over hosts, as they stand in the store; without a record what nobody can read. */
export async function endpointsOn(
  network: string,
  { store, keys }: { readonly store: Pick<Store, 'list'>; readonly keys: ClusterKeys },
): Promise<readonly { readonly key: string; readonly record: EndpointRecord | undefined }[]> {
  const { items } = await store.list(keys.endpointsOf(network))
  return items.map(({ key, value }) => ({ key, record: decoded(value) }))
}

function decoded(value: string): EndpointRecord | undefined {
  try {
    return endpointCodec.decode(value)
  } catch {
    return undefined
  }
}
