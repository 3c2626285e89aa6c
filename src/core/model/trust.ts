/** What every member of a cluster with certificates has to know of them; stands where nodes may read it. */
export type TrustRecord =
  | {
      readonly kind: 'authorities'
      /** PEM: one, or two while the authority is changed. */
      readonly certificates: string
      /** SHA-256 of the one that signs now. Whoever has a certificate of another asks for one of its own. */
      readonly signing: string
    }
  | {
      readonly kind: 'renewal'
      /** The manager or node that is to make another key, and to get a certificate for it. */
      readonly name: string
      /** SHA-256 of the public key that is to be replaced. */
      readonly keyDigest: string
      /** True: certificates of that key are taken back once the owner shows one of another. */
      readonly revokesOld?: boolean
    }
  | {
      readonly kind: 'revoked'
      readonly name: string
      readonly fingerprint: string
      /** Of the certificate, in hexadecimal digits; absent in what earlier versions wrote. */
      readonly serial?: string
      /** True: of a manager or a node, taken back with its name or its key. Somebody may still be connected to the store with it. */
      readonly isTaken?: boolean
      /** When it would have expired: from then on nobody needs to know. */
      readonly untilMs: number
    }
  | {
      readonly kind: 'manager'
      readonly name: string
      /** Where it answers: `10.0.0.1:3376`. */
      readonly address: string
      /** Where its etcd meets the others of the store: `10.0.0.1:2380`. Absent: it has none, or not yet. */
      readonly storePeer?: string
      /** Where its etcd answers: `10.0.0.1:2379`. Absent: it does not, or only keeps a copy. */
      readonly store?: string
    }
