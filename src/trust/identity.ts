import type { IncomingMessage } from 'node:http'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import { OpenConnections } from './open-connections.ts'
import { complainOfOwner } from './peer.ts'
import { MANAGER_HOST, type Subject } from './subject.ts'

/** What a member shows, and whom it trusts. PEM texts. */
export interface Credentials {
  readonly subject: Subject
  /** Its certificate, and behind it the authority that signed it. */
  readonly certificate: string
  readonly key: string
  readonly authorities: string
}

/** The present texts, whenever they are read: what is handed to servers and clients that outlive a certificate. */
class Shown {
  readonly #current: () => Credentials

  constructor(current: () => Credentials) {
    this.#current = current
  }

  get ca(): string {
    return this.#current().authorities
  }

  get cert(): string {
    return this.#current().certificate
  }

  get key(): string {
    return this.#current().key
  }
}

/** How a member connects to another: what a TLS client of the Docker API takes. */
export class DialTls extends Shown {
  readonly verify = true
  readonly peer: {
    readonly name: string
    readonly complaint: (certificate: PeerCertificate) => Error | undefined
    /** Told of each connection that was made. */
    readonly connected: (socket: TLSSocket) => void
  }

  constructor(current: () => Credentials, peer: DialTls['peer']) {
    super(current)
    this.peer = peer
  }
}

/** How a member serves, and connects to the store. */
export class OwnTls extends Shown {
  /** Who the store has to be. */
  readonly serverName = MANAGER_HOST
  readonly onChange: (changed: () => void) => () => void

  constructor(current: () => Credentials, onChange: OwnTls['onChange']) {
    super(current)
    this.onChange = onChange
  }
}

export class ServeTls extends OwnTls {
  /** Why a request is not answered; undefined: it is. */
  readonly refuse: (request: IncomingMessage) => Error | undefined
  /** Told of each connection that was made. */
  readonly connected: (socket: TLSSocket) => void

  constructor(
    current: () => Credentials,
    onChange: OwnTls['onChange'],
    { refuse, connected }: Pick<ServeTls, 'refuse' | 'connected'>,
  ) {
    super(current, onChange)
    this.refuse = refuse
    this.connected = connected
  }
}

/** The credentials of this process, which are renewed while everything that uses them goes on. */
export class LiveIdentity {
  #credentials: Credentials
  #revoked: ReadonlySet<string> = new Set()
  readonly #connections = new OpenConnections()
  readonly #listeners = new Set<() => void>()

  constructor(credentials: Credentials) {
    this.#credentials = credentials
  }

  get credentials(): Credentials {
    return this.#credentials
  }

  replace(credentials: Credentials): void {
    this.#credentials = credentials
    for (const tell of this.#listeners) tell()
  }

  /** Fingerprints of certificates that are not to be taken any more: what is open with them ends. */
  setRevoked(fingerprints: ReadonlySet<string>): void {
    this.#revoked = fingerprints
    this.#connections.endThose(this.isRevoked)
  }

  readonly isRevoked = (fingerprint: string): boolean => this.#revoked.has(fingerprint)

  /** For the store. */
  own(): OwnTls {
    return new OwnTls(this.#current, this.#onChange)
  }

  /** For a server that answers whom `refuse` does not. */
  serve(refuse: ServeTls['refuse']): ServeTls {
    const connected = (socket: TLSSocket): void => this.#connections.add(socket)
    return new ServeTls(this.#current, this.#onChange, { refuse, connected })
  }

  /** Connects to a member with that role only, and of that name if one is given. */
  dial(wanted: Pick<Subject, 'role'> & Partial<Subject>): DialTls {
    const complaint: DialTls['peer']['complaint'] = certificate =>
      complainOfOwner(certificate, {
        clusterId: this.#credentials.subject.clusterId,
        ...wanted,
        revoked: this.isRevoked,
      })
    const connected = (socket: TLSSocket): void => {
      this.#connections.add(socket)
      // Nobody is asked who it is where a session is resumed.
      if (socket.isSessionReused()) this.#connections.endThose(this.isRevoked)
    }
    return new DialTls(this.#current, { name: wanted.name ?? wanted.role, complaint, connected })
  }

  readonly #current = (): Credentials => this.#credentials

  readonly #onChange: OwnTls['onChange'] = changed => {
    this.#listeners.add(changed)
    return () => void this.#listeners.delete(changed)
  }
}
