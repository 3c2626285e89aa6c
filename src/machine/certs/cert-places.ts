import { join } from 'node:path'

/** Where the certificates of a store are, as docker-machine has them. */
export interface CertPlaces {
  readonly authority: string
  readonly authorityKey: string
  /** The person's own. */
  readonly client: string
  readonly clientKey: string
  /** The person said where: such files are not replaced unless that is asked for. */
  readonly isNamed: boolean
}

/** What of them a person said; the rest is in the store. */
export type NamedCerts = Partial<Omit<CertPlaces, 'isNamed'>>

export function certPlaces(root: string, named: NamedCerts = {}): CertPlaces {
  const folder = join(root, 'certs')
  return {
    authority: named.authority ?? join(folder, 'ca.pem'),
    authorityKey: named.authorityKey ?? join(folder, 'ca-key.pem'),
    client: named.client ?? join(folder, 'cert.pem'),
    clientKey: named.clientKey ?? join(folder, 'key.pem'),
    isNamed: Object.values(named).some(path => path !== undefined),
  }
}
