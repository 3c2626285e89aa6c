import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import { type LiveIdentity, type Peer, type PeerReader, refuseAsker } from '../../trust/index.ts'

/** Docker's clients put the version in front. */
const VERSION = /^\/v\d+\.\d+(?=\/)/

/** Whom a server of the cluster answers: what it needs to decide that of each request. */
export interface Guard {
  readonly refuse: (request: IncomingMessage) => Error | undefined
  readonly peerOf: (request: IncomingMessage) => Peer
}

export function createGuard(
  server: 'manager' | 'node',
  {
    identity,
    clock,
    readPeer,
  }: { readonly identity: LiveIdentity; readonly clock: Clock; readonly readPeer: PeerReader },
): Guard {
  const peerOf = (request: IncomingMessage): Peer =>
    readPeer(request, { authorities: identity.credentials.authorities, nowMs: clock.nowMs() })
  return {
    peerOf,
    refuse: request => {
      const { method = '', url = '' } = request
      const [path = ''] = url.split('?')
      const { clusterId } = identity.credentials.subject
      const asked = { method, path: path.replace(VERSION, '') }
      return refuseAsker(server, asked, peerOf(request), { clusterId, revoked: identity.isRevoked })
    },
  }
}
