import { createHmac } from 'node:crypto'
import { anyChar, exactly, type GlobToken, globMatches } from '../../core/glob.ts'
import { type HostKey, isSameKey, readHostKey } from './host-key.ts'

/** A line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
interface KnownHost {
  readonly marker?: 'revoked' | 'authority'
  readonly matches: (name: string) => boolean
  readonly key: HostKey
}

/** What files of known hosts say of a key that a host shows. */
export type Standing =
  | { readonly is: 'known' }
  /** Nothing is known of the host. */
  | { readonly is: 'unknown' }
  /** The host is known by other keys only. */
  | { readonly is: 'changed'; readonly known: readonly HostKey[] }
  | { readonly is: 'revoked' }

const SSH_PORT = 22

/** The name of a host in such files: `[10.0.0.5]:2222` where the port is not 22. */
export function knownHostName(host: string, port: number): string {
  return port === SSH_PORT ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
}

/** The lines of known_hosts files. What cannot be read is passed over, as ssh does. */
export class KnownHosts {
  readonly #lines: readonly KnownHost[]

  constructor(texts: readonly string[]) {
    this.#lines = texts.flatMap(text => text.split('\n')).flatMap(line => parseLine(line) ?? [])
  }

  judge(name: string, key: HostKey): Standing {
    const lines = this.#lines.filter(line => line.matches(name))
    if (lines.some(line => line.marker === 'revoked' && isSameKey(line.key, key))) return { is: 'revoked' }
    const known = lines.filter(line => line.marker === undefined).map(line => line.key)
    if (known.some(each => isSameKey(each, key))) return { is: 'known' }
    return known.length === 0 ? { is: 'unknown' } : { is: 'changed', known }
  }

  /** Types of the keys a host is known by: what to ask it for, since a key of another type would look changed. */
  typesOf(name: string): readonly string[] {
    const known = this.#lines.filter(line => line.marker === undefined && line.matches(name))
    return [...new Set(known.map(line => line.key.type))]
  }

  /** Whether certificates of hosts with this name are to be trusted: only OpenSSH's own client can check them. */
  hasAuthority(name: string): boolean {
    return this.#lines.some(line => line.marker === 'authority' && line.matches(name))
  }
}

function parseLine(line: string): KnownHost | undefined {
  const fields = line.trim().split(/[ \t]+/)
  const [first = ''] = fields
  if (first === '' || first.startsWith('#')) return undefined
  const marker = MARKERS[first]
  if (first.startsWith('@') && marker === undefined) return undefined
  const [hosts = '', type, base64 = ''] = marker === undefined ? fields : fields.slice(1)
  const key = readHostKey(Buffer.from(base64, 'base64'))
  if (key === undefined || key.type !== type) return undefined
  return { matches: matcherOf(hosts), key, ...(marker === undefined ? {} : { marker }) }
}

const MARKERS: Readonly<Record<string, 'revoked' | 'authority'>> = {
  '@revoked': 'revoked',
  '@cert-authority': 'authority',
}

function matcherOf(hosts: string): (name: string) => boolean {
  const hashed = /^\|1\|([^|]+)\|([^|]+)$/.exec(hosts)
  if (hashed !== null) {
    const salt = Buffer.from(hashed[1] ?? '', 'base64')
    return name => createHmac('sha1', salt).update(name).digest('base64') === hashed[2]
  }
  const patterns = hosts.split(',').filter(pattern => pattern !== '')
  const wanted = patterns.filter(pattern => !pattern.startsWith('!')).map(matchPattern)
  const refused = patterns.filter(pattern => pattern.startsWith('!')).map(pattern => matchPattern(pattern.slice(1)))
  return name => wanted.some(matches => matches(name)) && !refused.some(matches => matches(name))
}

/** `*` and `?`, as in ssh's configuration. */
function matchPattern(pattern: string): (name: string) => boolean {
  const tokens = Array.from(pattern.toLowerCase(), (sign): GlobToken => {
    if (sign === '*') return { kind: 'many', matches: anyChar }
    return sign === '?' ? { kind: 'one', matches: anyChar } : exactly(sign)
  })
  return name => globMatches(tokens, name)
}
