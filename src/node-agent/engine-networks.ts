import { ShoalError } from '../core/errors.ts'
import type { Engine } from '../docker-api/index.ts'
import type { Overlay } from './ports.ts'
import { tryAll } from './try-all.ts'

/**
 * Networks that end at the host, for engines we do not network ourselves (`--engine`): each cluster network is one of the
 * engine's bridges, the engine gives addresses and resolves names, and replicas on other hosts are not seen.
 */
export function createEngineNetworks(engine: Engine): Overlay {
  return {
    async ensureNetwork({ name, internal, labels }) {
      try {
        await engine.networks.inspect(name)
      } catch (error) {
        if (!(error instanceof ShoalError && error.status === 404)) throw error
        await engine.networks.create({ Name: name, Driver: 'bridge', Internal: internal, Labels: labels })
      }
    },
    claimAddress: () => Promise.resolve(undefined),
    takePorts: () => Promise.resolve(),
    publishTask: () => Promise.resolve(),
    releaseTask: () => Promise.resolve(),
    releaseAllBut: () => Promise.resolve(),
    removeNetworks: names => tryAll(names, name => removeNetwork(engine, name)),
  }
}

async function removeNetwork(engine: Engine, name: string): Promise<void> {
  try {
    await engine.networks.remove(name)
  } catch (error) {
    if (!(error instanceof ShoalError && error.status === 404)) throw error
  }
}
