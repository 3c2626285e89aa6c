import type { Clock } from '../../core/clock.ts'
import { conflict, invalidInput } from '../../core/errors.ts'
import { backoff, retry } from '../../core/retry.ts'
import {
  authorityDigest,
  type CertificateMaker,
  parseJoinToken,
  type Role,
  readCertificate,
  splitPem,
  verifyCertificate,
} from '../../trust/index.ts'
import { askToJoin } from './ask-managers.ts'
import { readIdentity, readKey, type StoredIdentity, writeIdentity, writeKey } from './identity-files.ts'
import { membershipOf } from './keep-identity.ts'

export interface IdentityWish {
  /** Where it is kept. */
  readonly directory: string
  readonly name: string
  readonly role: Role
  /** Where others find this member. */
  readonly hosts: readonly string[]
  readonly token: string | undefined
  readonly managers: readonly string[]
}

interface Ports {
  readonly maker: CertificateMaker
  readonly clock: Clock
  readonly signal: AbortSignal
}

const PATIENCE = { triesMax: 5, waitMs: backoff(500, 4_000) }

/**
 * The identity that is kept here, or a new one for a join token. Throws 400 NO_IDENTITY without either, 409 OTHER_CLUSTER for a token
 * of another cluster, and what managers answer.
 */
export async function obtainIdentity(wish: IdentityWish, ports: Ports): Promise<StoredIdentity> {
  const { directory, name, role, token } = wish
  const known = await readIdentity(directory)
  if (known === undefined) return joinCluster(wish, ports)
  const { subject, certificate, authorities } = known.credentials
  if (readCertificate(certificate).notAfterMs <= ports.clock.nowMs()) {
    if (token !== undefined) return joinCluster(wish, ports)
    throw invalidInput('IDENTITY_EXPIRED', `The certificate in ${directory} has expired: join again with --token`)
  }
  // A token that was used before may stay in a unit file for ever; one for another cluster is a mistake.
  const trusted = [...splitPem(authorities).map(authorityDigest), known.membership.joinedWith]
  if (token !== undefined && !trusted.includes(parseJoinToken(token).authority)) throw otherCluster(subject.clusterId)
  if (subject.role !== role || subject.name !== name) {
    throw conflict(
      'OTHER_NAME',
      `This host is the ${subject.role} ${subject.name} of its cluster, and not the ${role} ${name}: leave it first, or give --name ${subject.name}`,
    )
  }
  return known
}

function otherCluster(clusterId: string): Error {
  return conflict(
    'OTHER_CLUSTER',
    `This host belongs to the cluster ${clusterId}, and the join token is for another: swarm leave first`,
  )
}

async function joinCluster(wish: IdentityWish, ports: Ports): Promise<StoredIdentity> {
  const { directory, name, role, hosts, managers, token: text } = wish
  if (text === undefined || managers.length === 0) {
    throw invalidInput(
      'NO_IDENTITY',
      `This host has no certificate in ${directory} yet: give --token, as swarm token create prints it, and --manager <host:port>`,
    )
  }
  const token = parseJoinToken(text)
  if (token.role !== role) {
    throw invalidInput('BAD_TOKEN', `This join token is for a ${token.role}, and here a ${role} joins`)
  }
  const kept = await readKey(directory)
  const { csr, key } = await ports.maker.request({ name, role, hosts, ...(kept === undefined ? {} : { key: kept }) })
  if (kept === undefined) await writeKey(directory, key)
  // A manager that has just started, or whose store is away for a moment, is asked again.
  const asking = { ...ports, managers, authority: token.authority }
  const issued = await retry(() => askToJoin({ csr, token: text }, asking), PATIENCE, ports)
  const { subject } = verifyCertificate(issued.certificate, {
    authorities: issued.authorities,
    nowMs: ports.clock.nowMs(),
    subject: { name, role, clusterId: issued.clusterId },
  })
  if (subject === undefined) throw invalidInput('BAD_CERTIFICATE', 'The manager answered with no certificate of ours')
  const { certificate, authorities } = issued
  const credentials = { subject, certificate, key, authorities }
  const identity = { credentials, membership: { ...membershipOf(issued), joinedWith: token.authority } }
  await writeIdentity(directory, identity)
  return identity
}
