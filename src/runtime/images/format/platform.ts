import { invalidInput, notFound } from '../../../core/errors.ts'

/** Operating system and processor, in Go's names, as images use them. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** Node's names of architectures -> Go's, which images use. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
/** Other names that people write. */
const ALIASES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  i386: '386',
}
const KNOWN_OS = ['linux', 'windows', 'darwin', 'freebsd']

/** The platform whose images this host runs. */
export function hostPlatform(arch: string = process.arch): Platform {
  return { os: 'linux', architecture: ARCHITECTURES[arch] ?? arch }
}

/** Reads `os/architecture[/variant]`, `os` or `architecture`; what is not written is the host's. Throws BAD_PLATFORM. */
export function parsePlatform(text: string, host: Platform = hostPlatform()): Platform {
  const parts = text.toLowerCase().split('/')
  if (parts.length > 3 || !parts.every(part => /^[a-z0-9][a-z0-9_.-]*$/.test(part))) {
    throw invalidInput('BAD_PLATFORM', `"${text}": cannot parse platform specifier: invalid argument`)
  }
  const [first = '', second, variant] = parts
  if (second === undefined) {
    return KNOWN_OS.includes(first) ? { ...host, os: first } : { os: host.os, architecture: ALIASES[first] ?? first }
  }
  return { os: first, architecture: ALIASES[second] ?? second, ...(variant === undefined ? {} : { variant }) }
}

export function formatPlatform({ os, architecture, variant }: Partial<Platform>): string {
  return [os ?? '?', architecture ?? '?', ...(variant === undefined || variant === '' ? [] : [variant])].join('/')
}

/** What a processor runs when nothing says which of its variants is meant. */
const USUAL_VARIANTS: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8' }

interface Offer {
  readonly platform?: Partial<Platform>
  readonly annotations?: Readonly<Record<string, string>>
}

/**
 * The entry of an index for a platform: the same variant before a lower one. Attestations are no images. Throws 404
 * naming the platforms there are.
 */
export function choosePlatform<T extends Offer>(entries: readonly T[], wanted: Platform, name: string): T {
  const images = entries.filter(isImage)
  const fitting = images
    .filter(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture)
    .map(entry => ({ entry, rank: variantRank(entry.platform?.variant, wanted) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => b.rank - a.rank)
  const only = images.length === 1 && !images[0]?.platform ? images[0] : undefined
  const chosen = fitting[0]?.entry ?? only
  if (chosen !== undefined) return chosen
  const known = images.map(({ platform }) => formatPlatform(platform ?? {})).join(', ')
  throw notFound(
    'NO_SUCH_PLATFORM',
    `no matching manifest for ${formatPlatform(wanted)} in the manifest list entries of ${name}: it has ${known || 'none'}`,
  )
}

/** Builders put signatures and provenance beside images, under a platform that does not exist. */
export function isImage({ platform, annotations }: Offer): boolean {
  return annotations?.['vnd.docker.reference.type'] === undefined && platform?.os !== 'unknown'
}

/** Highest for the variant that is wanted, lower for older ones that run there too, negative for those that do not. */
function variantRank(offered: string | undefined, { architecture, variant }: Platform): number {
  const number = (text: string | undefined): number =>
    Number(/^v(\d+)$/.exec(text || (USUAL_VARIANTS[architecture] ?? ''))?.[1] ?? 0)
  const have = number(offered)
  const want = number(variant)
  return have <= want ? have : -1
}
