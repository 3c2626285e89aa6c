import { isIP } from 'node:net'
import { conflict, invalidInput, ShoalError } from '../core/errors.ts'
import type { RequestFacts } from './certificate-maker.ts'
import { checkSubjectName, MANAGER_HOST, type Role, type Subject } from './subject.ts'

/** A name that was given a certificate: one owner each, whatever the role. */
export interface NameRecord {
  readonly name: string
  readonly role: Role
  readonly hosts: readonly string[]
  readonly keyDigest: string
  /** Of all its certificates that may still be shown, the newest last. */
  readonly certificates: readonly {
    readonly fingerprint: string
    /** Absent in what earlier versions wrote. */
    readonly serial?: string
    readonly notAfterMs: number
    /** The authority that signed it. */
    readonly authority: string
  }[]
  /** Authorities that the owner said it trusts, and the one whose certificate it showed when it said so: what it was given may have got lost. */
  readonly trusts: readonly string[]
  readonly shows: string
}

export interface IssueRequest {
  readonly request: RequestFacts
  /** Who may have what: by a token its role, by a certificate itself. */
  readonly by: { readonly token: Role } | { readonly certificate: Subject }
  readonly clusterId: string
  /** Other names with certificates that are still valid. */
  readonly living: readonly NameRecord[]
  /** Where the request came from; undefined: over a socket of the manager's own host. */
  readonly remoteAddress: string | undefined
}

const HOSTS_MAX = 16
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/
/** Everybody is localhost to himself. */
const LOOPBACK = /^(localhost|127\.0\.0\.1|::1)$/

/**
 * Whom a certificate is to be made for. Throws 400 BAD_NAME or BAD_HOST, 403 NOT_ALLOWED for what the one who asks may not
 * have, 409 NAME_TAKEN or HOST_TAKEN for what a living member has.
 */
export function decideIssue(asked: IssueRequest): { readonly subject: Subject; readonly hosts: readonly string[] } {
  const { request, by, clusterId, living } = asked
  const name = checkSubjectName(request.name)
  const role = 'token' in by ? by.token : by.certificate.role
  if (request.role !== undefined && request.role !== role) {
    throw notAllowed(`it asks for the role ${request.role}, and ${whoOf(by)} is for ${role}`)
  }
  if (request.clusterId !== undefined && request.clusterId !== clusterId) {
    throw notAllowed(`it asks for the cluster ${request.clusterId}, and this is ${clusterId}`)
  }
  if ('certificate' in by && by.certificate.name !== name) {
    throw notAllowed(`${by.certificate.name} cannot ask for the name ${name}`)
  }
  const owner = living.find(record => record.name === name)
  if (owner !== undefined && (owner.role !== role || ('token' in by && owner.keyDigest !== request.keyDigest))) {
    throw conflict(
      'NAME_TAKEN',
      `The name ${name} belongs to a ${owner.role} with a valid certificate: give another --name, or free it with swarm cert revoke ${name}`,
      { details: { refused: true } },
    )
  }
  return { subject: { name, role, clusterId }, hosts: hostsFor(role, asked) }
}

function whoOf(by: IssueRequest['by']): string {
  return 'token' in by ? 'this token' : 'this certificate'
}

function notAllowed(why: string): Error {
  return new ShoalError('NOT_ALLOWED', 403, `The signing request is refused: ${why}`)
}

/** A host that others are found at is named again only by who asks from there: two members may share one. */
function hostsFor(role: Role, { request, living, remoteAddress }: IssueRequest): readonly string[] {
  const hosts = [...new Set(request.hosts.map(host => host.toLowerCase()))].filter(
    host => host !== request.name.toLowerCase() && !(role === 'manager' && host === MANAGER_HOST),
  )
  if (role === 'client' && hosts.length > 0) throw notAllowed('a client serves nothing, and needs no hosts')
  if (hosts.length > HOSTS_MAX) throw notAllowed(`it names more than ${HOSTS_MAX} hosts`)
  const odd = hosts.find(host => host === MANAGER_HOST || (isIP(host) === 0 && !HOST_NAME.test(host)))
  if (odd !== undefined) throw invalidInput('BAD_HOST', `Cannot make a certificate for the host ${JSON.stringify(odd)}`)
  for (const host of [request.name.toLowerCase(), ...hosts]) {
    if (LOOPBACK.test(host) || host === remoteAddress || remoteAddress === undefined) continue
    // Who asks from the address of another is on the same host, and shares its name too.
    const other = living.find(
      ({ name, hosts: taken }) =>
        name !== request.name && [name, ...taken].some(isSame(host)) && !taken.some(isSame(remoteAddress)),
    )
    if (other !== undefined) {
      throw conflict('HOST_TAKEN', `The host ${host} is ${other.name}'s: ask from there, or advertise another`)
    }
  }
  return hosts
}

function isSame(host: string): (other: string) => boolean {
  return other => other.toLowerCase() === host
}
