import { ShoalError } from '../core/errors.ts'
import type { CertificateFacts } from './certificate.ts'
import type { Role } from './subject.ts'

/** Who asks something of a server of the cluster. */
export interface Peer {
  /** What was shown; undefined: nothing. */
  readonly certificate: CertificateFacts | undefined
  /** Why the certificate is not taken: of another authority, expired, …; undefined: it is good. */
  readonly problem: string | undefined
}

export interface AskedFor {
  readonly method: string
  /** Without the API's version in front, and without the query. */
  readonly path: string
}

/** What a server knows when it decides whom to answer. */
export interface Admission {
  readonly clusterId: string
  readonly revoked: (fingerprint: string) => boolean
}

interface Rule {
  /** Whatever is shown: it gives nothing away, or asks for a token. */
  readonly open: readonly string[]
  /** What a role may ask for besides; absent: everything. */
  readonly roles: Readonly<Partial<Record<Role, readonly RegExp[]>>>
}

const ALL = [/^/]

/** Whom the manager's API answers, and an agent's. */
const RULES: Readonly<Record<'manager' | 'node', Rule>> = {
  manager: {
    open: ['GET /_ping', 'HEAD /_ping', 'POST /v1/join'],
    roles: { manager: ALL, client: ALL, node: [/^POST \/v1\/(renew|confirm|leave)$/] },
  },
  node: {
    open: ['GET /_ping', 'HEAD /_ping'],
    // Nodes copy images from each other: they ask whether one is there, and have it saved, which names it in the query.
    roles: { manager: ALL, node: [/^GET \/images\/(get|.+\/json)$/, /^GET \/_ping$/] },
  },
}

/** Why a server does not answer; undefined: it does. */
export function refuseAsker(
  server: 'manager' | 'node',
  { method, path }: AskedFor,
  { certificate, problem }: Peer,
  { clusterId, revoked }: Admission,
): ShoalError | undefined {
  const asked = `${method} ${path}`
  const { open, roles } = RULES[server]
  if (open.includes(asked)) return undefined
  if (certificate === undefined) return refusal(401, 'show a certificate of this cluster: see swarm client-cert')
  if (problem !== undefined) return refusal(401, `the certificate shown is not taken: ${problem}`)
  const { subject, fingerprint } = certificate
  if (subject === undefined || subject.clusterId !== clusterId) {
    return refusal(403, 'the certificate shown is of no member of this cluster')
  }
  if (revoked(fingerprint)) return refusal(403, `the certificate of ${subject.name} was revoked`)
  if (roles[subject.role]?.some(pattern => pattern.test(asked)) === true) return undefined
  // People ask engines by way of the manager, which knows what else runs in the cluster.
  const remedy = server === 'node' && subject.role === 'client' ? ': ask a manager of its cluster instead' : ''
  return refusal(403, `${subject.name} is a ${subject.role}, which may not ask this of a ${server}${remedy}`)
}

function refusal(status: number, why: string): ShoalError {
  return new ShoalError('NOT_ADMITTED', status, `Not admitted: ${why}`)
}
