import { failed, type ShoalError } from '../../core/errors.ts'
import { fingerprint, type HostKey, isSameKey } from './host-key.ts'
import { type KnownHosts, knownHostName, type Standing } from './known-hosts.ts'

/** What is known of a host's key before we connect. */
export interface HostKeyPolicy {
  /** Under this name it stands in known_hosts. */
  readonly name: string
  readonly knownHosts: KnownHosts
  /** Keys that the store pinned for this machine; they alone decide once there are any. */
  readonly pinned: readonly HostKey[]
  /** A fingerprint that the person named. */
  readonly expected?: string
  /** Trust a host of which nothing is known, and pin what it shows. */
  readonly acceptNew: boolean
  /** What a person does to trust a host of which nothing is known; absent: names its key. */
  readonly toTrust?: string
}

export type HostKeyVerdict =
  | { readonly trust: true; readonly pin: boolean }
  | { readonly trust: false; readonly error: ShoalError }

interface Rule {
  readonly applies: (policy: HostKeyPolicy, standing: Standing) => boolean
  readonly judge: (policy: HostKeyPolicy, key: HostKey, standing: Standing) => HostKeyVerdict
}

/** Read top to bottom; the first rule that applies decides. */
const RULES: readonly Rule[] = [
  {
    // Whatever else is said: somebody found out that this key is in wrong hands.
    applies: (_policy, standing) => standing.is === 'revoked',
    judge: ({ name }, key) =>
      refuse(name, key, 'known_hosts says that this key is revoked', 'renew the host key there'),
  },
  {
    applies: ({ expected }) => expected !== undefined,
    judge: ({ name, expected = '' }, key) =>
      fingerprint(key) === expected
        ? { trust: true, pin: true }
        : refuse(name, key, `--host-key says ${expected}`, 'ask whoever runs the host which is right'),
  },
  {
    applies: ({ pinned }) => pinned.length > 0,
    judge: ({ name, pinned }, key) =>
      pinned.some(each => isSameKey(each, key))
        ? { trust: true, pin: false }
        : refuse(
            name,
            key,
            `it was ${pinned.map(fingerprint).join(' or ')}`,
            'if the host was made anew, say so with --host-key',
          ),
  },
  {
    applies: (_policy, standing) => standing.is === 'known',
    judge: () => ({ trust: true, pin: true }),
  },
  {
    applies: (_policy, standing) => standing.is === 'changed',
    judge: ({ name }, key, standing) => {
      const known = standing.is === 'changed' ? standing.known.map(fingerprint).join(' or ') : ''
      return refuse(name, key, `known_hosts says ${known}`, `if the host was made anew, run ssh-keygen -R '${name}'`)
    },
  },
  { applies: ({ acceptNew }) => acceptNew, judge: () => ({ trust: true, pin: true }) },
  {
    applies: () => true,
    judge: ({ name, toTrust }, key) =>
      refuse(
        name,
        key,
        'nothing is known of this host',
        `compare it there (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then ${toTrust ?? `add --host-key ${fingerprint(key)}`}`,
      ),
  },
]

/** Whether to trust a host with the key it shows. */
export function judgeHostKey(policy: HostKeyPolicy, key: HostKey): HostKeyVerdict {
  const standing = policy.knownHosts.judge(policy.name, key)
  const rule = RULES.find(({ applies }) => applies(policy, standing))
  return rule === undefined
    ? refuse(policy.name, key, 'nothing is known of it', 'name its key')
    : rule.judge(policy, key, standing)
}

/** Signatures to ask a host for: of the types it is known by, as a key of another would look changed; none: any. */
export function wantedSignatures({ knownHosts, name, pinned }: HostKeyPolicy): Signature[] {
  const known = pinned.length > 0 ? pinned.map(key => key.type) : knownHosts.typesOf(name)
  return known.flatMap(type => SIGNATURES[type] ?? [])
}

type Signature =
  | 'ssh-ed25519'
  | 'ecdsa-sha2-nistp256'
  | 'ecdsa-sha2-nistp384'
  | 'ecdsa-sha2-nistp521'
  | 'rsa-sha2-512'
  | 'rsa-sha2-256'

/** What a key of each type can make, the best first. */
const SIGNATURES: Readonly<Record<string, readonly Signature[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}

/** The name that a policy goes by, unless ssh's configuration gives the host an alias. */
export function policyName(host: string, port: number, alias: string | undefined): string {
  return alias ?? knownHostName(host, port)
}

function refuse(name: string, key: HostKey, why: string, remedy: string): HostKeyVerdict {
  const message = `The host key of ${name} is not trusted: it shows ${fingerprint(key)} (${key.type}), and ${why}; ${remedy}`
  return { trust: false, error: failed('SSH_HOST_KEY', message) }
}
