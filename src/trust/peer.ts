import type { IncomingMessage } from 'node:http'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { ShoalError } from '../core/errors.ts'
import type { Peer } from './admission.ts'
import { type CertificateFacts, factsOf, isIssuedBy, whyUntrusted } from './certificate.ts'
import type { Role } from './subject.ts'

export interface Trusted {
  /** PEM of the authorities. */
  readonly authorities: string
  readonly nowMs: number
}

export type PeerReader = (request: Pick<IncomingMessage, 'socket'>, trusted: Trusted) => Peer

interface Shown {
  readonly pem: string
  readonly facts: CertificateFacts
  /** The authorities that were found to have issued it, or not to. */
  judged?: { readonly authorities: string; readonly isIssued: boolean }
}

/**
 * Tells who asks: by what was shown on its connection, judged for each request anew, since authorities are taken back and
 * certificates expire while connections last. What can only be found out by calculating is remembered with the connection.
 */
export function createPeerReader(): PeerReader {
  const known = new WeakMap<object, Shown | undefined>()
  return ({ socket }, { authorities, nowMs }) => {
    if (!known.has(socket)) known.set(socket, socket instanceof TLSSocket ? readShown(socket) : undefined)
    const shown = known.get(socket)
    if (shown === undefined) return { certificate: undefined, problem: undefined }
    if (shown.judged?.authorities !== authorities) {
      shown.judged = { authorities, isIssued: isIssuedBy(shown.pem, authorities) }
    }
    return { certificate: shown.facts, problem: whyUntrusted(shown.facts, shown.judged.isIssued, nowMs) }
  }
}

function readShown(socket: TLSSocket): Shown | undefined {
  const certificate = socket.getPeerX509Certificate()
  return certificate && { pem: certificate.toString(), facts: factsOf(certificate) }
}

export interface ExpectedOwner {
  /** Absent: whoever has the role. */
  readonly name?: string
  readonly role: Role
  readonly clusterId: string
  readonly revoked: (fingerprint: string) => boolean
}

/** Why a certificate of a trusted authority is not the one of the member that is meant; undefined: it is. */
export function complainOfOwner(
  { subject, fingerprint256 }: Pick<PeerCertificate, 'subject' | 'fingerprint256'>,
  { name, role, clusterId, revoked }: ExpectedOwner,
): Error | undefined {
  const { CN, OU, O } = subject
  const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase()
  const wanted = name === undefined ? `a ${role}` : `the ${role} ${name}`
  if (O !== clusterId || OU !== role || (name !== undefined && CN !== name)) {
    return wrongPeer(`${wanted} was to answer, and it is the ${String(OU)} ${String(CN)}`)
  }
  return revoked(fingerprint) ? wrongPeer(`the certificate of ${String(CN)} was revoked`) : undefined
}

function wrongPeer(why: string): Error {
  return new ShoalError('WRONG_PEER', 502, `Not talking to whom it should be: ${why}`)
}
