import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, type PeerCertificate, TLSSocket } from 'node:tls'

/**
 * How the other side of a TLS connection is to be known, and what is shown to it. PEM texts. Read anew for each connection: a
 * certificate may be renewed meanwhile.
 */
export interface ClientTls {
  /** Authorities whose certificates are taken; absent: the system's. */
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** False: any certificate is taken, as docker's `--tls` without `--tlsverify` does. */
  readonly verify: boolean
  /** Who must answer, whatever the address. Absent: who the address says. */
  readonly peer?: ExpectedPeer
}

export interface ExpectedPeer {
  /** Sent to the other side; connections are only shared by those who expect the same. */
  readonly name: string
  /** What is wrong with a certificate of a trusted authority; undefined: nothing. */
  readonly complaint: (certificate: PeerCertificate) => Error | undefined
  /** Told of each connection that was made, which it may end at any time. */
  readonly connected?: (socket: TLSSocket) => void
}

/** Shows a server's own certificate to another server; without an authority any answer is taken. */
export function clientTlsOf(server: Omit<ClientTls, 'verify'>): ClientTls {
  return { ...server, verify: server.ca !== undefined }
}

export function connectionOptions({ verify, ca, cert, key, peer }: ClientTls): ConnectionOptions {
  return {
    rejectUnauthorized: verify,
    ...(peer === undefined ? {} : { checkServerIdentity: (_host, certificate) => peer.complaint(certificate) }),
    ...(peer === undefined || isIP(peer.name) !== 0 ? {} : { servername: peer.name }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

/** Tells who watches over the other side of a connection that it was made. For new sockets only. */
export function watchPeer(socket: Duplex, { peer }: ClientTls): void {
  const connected = peer?.connected
  if (connected === undefined || !(socket instanceof TLSSocket)) return
  socket.once('secureConnect', () => connected(socket))
}

const NOT_TLS = 'it does not speak TLS: connect without --tls'
const UNKNOWN_AUTHORITY = 'its certificate is of no authority that is trusted: check --tlscacert'
const BAD_CERTIFICATE = 'it wants a certificate of an authority it trusts: check --tlscert and --tlskey'

/** Why a TLS connection was not made, by the system's code. */
export const TLS_REASONS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  EPROTO: NOT_TLS,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: BAD_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: BAD_CERTIFICATE,
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE': BAD_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: BAD_CERTIFICATE,
}
