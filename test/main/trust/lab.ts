import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { createGuard } from '../../../src/main/trust/guard.ts'
import {
  createCertificateMaker,
  createPeerReader,
  type KeyPair,
  LiveIdentity,
  type Role,
  type Subject,
} from '../../../src/trust/index.ts'

export const CLUSTER = 'c1'
const DAY_MS = 86_400_000
export const maker = createCertificateMaker(systemRandom)

export function makeAuthority(clusterId = CLUSTER): Promise<KeyPair> {
  const nowMs = systemClock.nowMs()
  return maker.authority(clusterId, { fromMs: nowMs - 2 * DAY_MS, untilMs: nowMs + DAY_MS })
}

interface Wish {
  readonly authority: KeyPair
  /** The authorities that the owner trusts; absent: the one that signs. */
  readonly trusts?: string
  readonly clusterId?: string
  readonly isExpired?: boolean
}

/** A member with a certificate, as if it had joined. */
export async function makeMember(name: string, role: Role, wish: Wish): Promise<LiveIdentity> {
  const { authority, clusterId = CLUSTER, isExpired = false, trusts = authority.certificate } = wish
  const { csr, key } = await maker.request({ name, role, hosts: [] })
  const nowMs = systemClock.nowMs()
  const life = isExpired
    ? { fromMs: nowMs - DAY_MS, untilMs: nowMs - 1_000 }
    : { fromMs: nowMs, untilMs: nowMs + DAY_MS / 2 }
  const subject: Subject = { name, role, clusterId }
  const hosts = role === 'client' ? [] : ['127.0.0.1', 'localhost']
  const certificate = await maker.sign({ csr, authority, subject, hosts, life })
  return new LiveIdentity({
    subject,
    certificate: `${certificate}${authority.certificate}`,
    key,
    authorities: trusts,
  })
}

export function guardOf(server: 'manager' | 'node', identity: LiveIdentity) {
  return createGuard(server, { identity, clock: systemClock, readPeer: createPeerReader() })
}
