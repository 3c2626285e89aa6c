import type { Clock } from '../core/clock.ts'
import type { MemberRecord } from '../core/model/node.ts'
import { type ClientTls, createDockerClient, type DockerClient } from '../docker-api/index.ts'

export interface EnginePool {
  readonly engineOf: (member: MemberRecord) => DockerClient
  readonly close: () => void
}

/** One client for each member's address, kept until the pool is closed; members that speak TLS are shown our certificate. */
export function createEnginePool({
  clock,
  tls,
}: {
  readonly clock: Clock
  readonly tls: ClientTls | undefined
}): EnginePool {
  const clients = new Map<string, DockerClient>()
  const engineOf = ({ apiAddress, apiTls = false }: MemberRecord): DockerClient => {
    const key = `${apiAddress} ${apiTls}`
    const known = clients.get(key)
    if (known !== undefined) return known
    // Without certificates of our own the member's must be of an authority that the system trusts.
    const client = createDockerClient(`tcp://${apiAddress}`, {
      clock,
      isOneOfMany: true,
      ...(apiTls ? { tls: tls ?? { verify: true } } : {}),
    })
    clients.set(key, client)
    return client
  }
  return {
    engineOf,
    close() {
      for (const client of clients.values()) client.close()
    },
  }
}
