import { isTransient, ShoalError } from '../../core/errors.ts'
import type { EndpointConfig, Engine } from '../../docker-api/index.ts'

/** A network that a container joined after it was made, and what it asked for there, or that it left (null). */
export interface JoinedNetwork {
  readonly network: string
  readonly id: string
  readonly endpoint: EndpointConfig | null
}

/**
 * Puts a container that was made anew on a network as it was, or takes it off; nothing if that is done already. Keeps its names
 * there, and its address unless somebody has that by now. Throws what the engine throws.
 */
export async function joinAgain(networks: Engine['networks'], { network, id, endpoint }: JoinedNetwork): Promise<void> {
  if (endpoint === null) {
    await networks.disconnect(network, id, {}).catch(unless(/is not connected to|not found/i))
    return
  }
  try {
    await networks.connect(network, id, endpoint).catch(unless(/already exists in network|already attached/i))
  } catch (error) {
    const { IPAMConfig, MacAddress: _, ...rest } = endpoint
    if (isTransient(error) || IPAMConfig === undefined || IPAMConfig === null) throw error
    await networks.connect(network, id, rest)
  }
}

function unless(done: RegExp): (error: unknown) => void {
  return error => {
    if (!(error instanceof ShoalError && done.test(error.message))) throw error
  }
}
