import { cidrContains, parseCidr, parseIpv4 } from '../../../core/cidr.ts'
import type { Clock } from '../../../core/clock.ts'
import { invalidInput } from '../../../core/errors.ts'
import type { ImageReference } from '../../../core/image-reference.ts'
import type { TrustStore } from './trust-store.ts'

/** One place to ask for a repository. */
export interface Endpoint {
  /** Without a slash at the end: `https://registry-1.docker.io`. */
  readonly url: string
  /** Host name and port, for messages. */
  readonly host: string
  /** Accept certificates nobody vouches for. */
  readonly anyCertificate: boolean
}

/** A registry as one place to ask, with the ways into it in the order in which they are tried. */
export interface Place {
  readonly ways: readonly Endpoint[]
  /** Not the registry itself, but a copy that the administrator named. */
  readonly mirror: boolean
}

export interface RegistryOptions {
  readonly insecureRegistries: readonly string[]
  readonly registryMirrors: readonly string[]
  /** Whom to trust. */
  readonly trust: TrustStore
  readonly clock: Clock
}

/** Docker Hub answers the registry protocol under another name than its own. */
const HUB_HOST = 'registry-1.docker.io'

/**
 * Where to ask, each place a list of ways in that are tried until one speaks: HTTPS, and for insecure registries plain HTTP
 * behind it. Mirrors stand first, for docker.io and for reading only, as with dockerd.
 */
export function endpointsOf(
  { registry }: Pick<ImageReference, 'registry'>,
  options: Omit<RegistryOptions, 'trust' | 'clock'>,
  purpose: 'pull' | 'push',
): readonly [Place, ...Place[]] {
  const hub = registry === 'docker.io'
  const mirrors = hub && purpose === 'pull' ? options.registryMirrors.map(url => mirrorPlace(url, options)) : []
  const [first, ...others] = mirrors
  const own = { ways: waysInto(hub ? HUB_HOST : registry, options), mirror: false }
  return first === undefined ? [own] : [first, ...others, own]
}

function mirrorPlace(url: string, options: Omit<RegistryOptions, 'trust' | 'clock'>): Place {
  const parsed = URL.parse(url.includes('://') ? url : `https://${url}`)
  if (parsed === null) {
    throw invalidInput(
      'BAD_MIRROR',
      `Cannot read registry mirror "${url}": expected a URL such as https://mirror.example`,
    )
  }
  const base = `${parsed.protocol}//${parsed.host}${parsed.pathname.replace(/\/+$/, '')}`
  const anyCertificate = isInsecure(parsed.host, options.insecureRegistries)
  return { ways: [{ url: base, host: parsed.host, anyCertificate }], mirror: true }
}

function waysInto(
  host: string,
  { insecureRegistries }: Pick<RegistryOptions, 'insecureRegistries'>,
): readonly Endpoint[] {
  const insecure = isInsecure(host, insecureRegistries)
  const https = { url: `https://${host}`, host, anyCertificate: insecure }
  return insecure ? [https, { url: `http://${host}`, host, anyCertificate: false }] : [https]
}

/** Loopback, a host named as insecure (with or without its port), or an address in a subnet named so. */
export function isInsecure(host: string, insecureRegistries: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '')
  if (name === 'localhost' || name === '[::1]') return true
  const inside = (subnet: string): boolean =>
    /^\d+\.\d+\.\d+\.\d+$/.test(name) && cidrContains(parseCidr(subnet), parseIpv4(name))
  return (
    inside('127.0.0.0/8') || insecureRegistries.some(it => (it.includes('/') ? inside(it) : it === host || it === name))
  )
}
