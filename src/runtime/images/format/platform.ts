import { invalidInput, notFound, type ShoalError } from '../../../core/errors.ts'

/** Operating system and processor, in Go's names, as images use them. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** Node's names of architectures -> Go's, which images use. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
/** Other names that people write, some of which say the variant. */
const ALIASES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64', ''],
  'x86-64': ['amd64', ''],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  i386: ['386', ''],
}
/** What a processor runs when nothing says which of its variants is meant. */
const USUAL_VARIANTS: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8' }
const KNOWN_OS = [
  'linux',
  'windows',
  'darwin',
  'freebsd',
  'openbsd',
  'netbsd',
  'dragonfly',
  'solaris',
  'illumos',
  'aix',
]
const KNOWN_ARCHITECTURES = [
  '386',
  'amd64',
  'arm',
  'arm64',
  'ppc64',
  'ppc64le',
  'mips64le',
  'riscv64',
  's390x',
  'loong64',
]
const COMPONENT = /^[A-Za-z0-9_-]+$/

/** The platform whose images this host runs. */
export function hostPlatform(arch: string = process.arch): Platform {
  return { os: 'linux', architecture: ARCHITECTURES[arch] ?? arch }
}

/**
 * Reads `os/architecture[/variant]`, `os` or `architecture`; what is not written is the host's. Names and messages are
 * containerd's (platforms/platforms.go). Throws BAD_PLATFORM.
 */
export function parsePlatform(text: string, host: Platform = hostPlatform()): Platform {
  const parts = text.split('/')
  for (const part of parts) {
    if (COMPONENT.test(part)) continue
    const rule = `platform specifier component must match ${JSON.stringify(COMPONENT.source)}`
    throw badPlatform(`${JSON.stringify(part)} is an invalid component of ${JSON.stringify(text)}: ${rule}`)
  }
  if (parts.length > 3) throw badPlatform(`${JSON.stringify(text)}: cannot parse platform specifier`)
  const [first = '', second, variant] = parts.map(part => part.toLowerCase())
  const os = first === 'macos' ? 'darwin' : first
  if (second !== undefined) return { os, ...readArchitecture(second, variant) }
  if (KNOWN_OS.includes(os)) return { ...host, os }
  const only = readArchitecture(first, undefined)
  if (KNOWN_ARCHITECTURES.includes(only.architecture)) return { os: host.os, ...only }
  throw badPlatform(`${JSON.stringify(text)}: unknown operating system or architecture`)
}

function readArchitecture(text: string, written: string | undefined): Omit<Platform, 'os'> {
  const [architecture = text, implied] = ALIASES[text] ?? []
  const variant = implied ?? (/^\d/.test(written ?? '') ? `v${written}` : written) ?? ''
  // The usual variant is shown only to who wrote one.
  const isPlain = variant === '' || (written === undefined && USUAL_VARIANTS[architecture] === variant)
  return isPlain ? { architecture } : { architecture, variant }
}

function badPlatform(message: string): ShoalError {
  return invalidInput('BAD_PLATFORM', `${message}: invalid argument`)
}

export function formatPlatform({ os, architecture, variant }: Partial<Platform>): string {
  return [os ?? '?', architecture ?? '?', ...(variant === undefined || variant === '' ? [] : [variant])].join('/')
}

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
    .map(entry => ({ entry, rank: entry.platform === undefined ? -1 : fitRank(entry.platform, wanted) }))
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

/**
 * Warnings about an image that is used where another platform is at home. Throws 404 if it is not for the platform that was
 * asked for: clients pull it then.
 */
export function checkPlatform(reference: string, image: Platform, wanted: Platform | undefined): readonly string[] {
  const actual = formatPlatform(image)
  if (wanted === undefined) {
    const host = hostPlatform()
    if (fitsPlatform(image, host)) return []
    const whose = `does not match the detected host platform (${formatPlatform(host)})`
    return [`The requested image's platform (${actual}) ${whose} and no specific platform was requested`]
  }
  if (fitsPlatform(image, wanted)) return []
  const why = `does not match the specified platform: wanted ${formatPlatform(wanted)}, actual: ${actual}`
  throw notFound('OTHER_PLATFORM', `image with reference ${reference} was found but ${why}`)
}

/** Builders put signatures and provenance beside images, under a platform that does not exist. */
export function isImage({ platform, annotations }: Offer): boolean {
  return annotations?.['vnd.docker.reference.type'] === undefined && platform?.os !== 'unknown'
}

/** Whether what is offered runs where `wanted` is asked for: also an older variant, and a narrower processor of its kind. */
export function fitsPlatform(offered: Partial<Platform>, wanted: Platform): boolean {
  return fitRank(offered, wanted) >= 0
}

/** The platforms that a processor also runs, after its own. */
const NARROWER: Readonly<Record<string, Omit<Platform, 'os'>>> = {
  amd64: { architecture: '386' },
  arm64: { architecture: 'arm', variant: 'v8' },
}
const OWN_KIND = 1_000

/** Highest for the variant that is wanted, lower for older ones that run there too, negative for those that do not. */
function fitRank({ os, architecture = '', variant }: Partial<Platform>, wanted: Platform): number {
  if (os !== wanted.os) return -1
  if (architecture === wanted.architecture) {
    const rank = variantRank(variant, wanted)
    return rank < 0 ? rank : OWN_KIND + rank
  }
  const narrower = NARROWER[wanted.architecture]
  if (narrower?.architecture !== architecture) return -1
  return variantRank(variant, { os, ...narrower })
}

function variantRank(offered: string | undefined, { architecture, variant }: Platform): number {
  const number = (text: string | undefined): number =>
    Number(/^v(\d+)$/.exec(text || (USUAL_VARIANTS[architecture] ?? ''))?.[1] ?? 0)
  const have = number(offered)
  const want = number(variant)
  return have <= want ? have : -1
}
