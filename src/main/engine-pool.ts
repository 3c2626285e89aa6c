import type { Clock } from '../core/clock.ts'
import type { MemberRecord } from '../core/model/node.ts'
import { type ClientTls, createDockerClient, type DockerClient } from '../docker-api/index.ts'
import type { LiveIdentity } from '../trust/index.ts'

export interface EnginePool {
  readonly engineOf: (member: MemberRecord) => DockerClient
  readonly close: () => void
}

/** How a member is spoken to; undefined: without TLS. */
export type MemberTls = (member: MemberRecord) => ClientTls | undefined

/**
 * Where the cluster makes its certificates a member has to be who its record says, whatever its address. Elsewhere members that speak TLS
 * are shown our certificate, and without one theirs must be of an authority that the system trusts.
 */
export function memberTls(identity: LiveIdentity | undefined, own: ClientTls | undefined): MemberTls {
  if (identity !== undefined) return ({ name }) => identity.dial({ role: 'node', name })
  return ({ apiTls = false }) => (apiTls ? (own ?? { verify: true }) : undefined)
}

/** One client for each member's address, kept until the pool is closed. */
export function createEnginePool({ clock, tlsOf }: { readonly clock: Clock; readonly tlsOf: MemberTls }): EnginePool {
  const clients = new Map<string, DockerClient>()
  const engineOf = (member: MemberRecord): DockerClient => {
    const { name, apiAddress, apiTls = false } = member
    const key = `${name} ${apiAddress} ${apiTls}`
    const known = clients.get(key)
    if (known !== undefined) return known
    const client = createDockerClient(`tcp://${apiAddress}`, { clock, isOneOfMany: true, tls: tlsOf(member) })
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
