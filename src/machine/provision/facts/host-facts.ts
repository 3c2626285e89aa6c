import { failed } from '../../../core/errors.ts'

/** What a host is and has, as one look at it told. */
export interface HostFacts {
  /** Fields of os-release. */
  readonly os: Readonly<Record<string, string>>
  readonly kernel: string
  readonly architecture: string
  readonly hostname: string
  /** How far its clock is ahead of ours for certain, whole seconds: somewhere in the look it was read. */
  readonly clockAheadS: number
  /** `glibc 2.36` or `musl`; empty: it cannot be found out. */
  readonly libc: string
  /** `ostree`, or where it is mounted read-only: the system is an image into which nothing is installed. */
  readonly image?: string
  /** `cgroup2`, or `tmpfs` where the hierarchies are those of version 1; empty: nothing is mounted there. */
  readonly cgroup: string
  readonly init: 'systemd' | 'openrc' | 'none'
  readonly memoryBytes: number
  /** Free bytes by place. */
  readonly diskFree: Readonly<Record<string, number>>
  /** Who keeps packages from being installed now. */
  readonly locks: readonly string[]
  readonly firewalls: readonly string[]
  /** Version of nftables; absent: it is not there, or says none. */
  readonly nft?: string
  readonly docker?: { readonly version: string; readonly containers: number }
  /** Text of Docker's own configuration. */
  readonly dockerConfig?: string
  /** Programs, and files that stand for packages, that are not there. */
  readonly missing: ReadonlySet<string>
  /** TCP ports on which something listens. */
  readonly listening: ReadonlySet<number>
  readonly features: ReadonlySet<string>
  /** Of the features that are not there: those of which the host cannot tell. */
  readonly unsure: ReadonlySet<string>
  /** SHA-256 of files, hex, by path. */
  readonly files: ReadonlyMap<string, string>
  /** Services of ours that run, with the digest of what they were started with. */
  readonly services: ReadonlyMap<string, { readonly active: boolean; readonly runs: string }>
  /** Whose certificates are there and hold: `agent`, `manager`; `token`: what gets one; `authority`: the cluster's own. */
  readonly identities: ReadonlySet<string>
  /** Daemons whose certificates ran out, so that nobody lets them in. */
  readonly expired: ReadonlySet<string>
  /** By which its engine serves outside of a cluster, in PEM form; absent: there is none, or its key is another. */
  readonly engineCertificate?: string
  /** Names of the bundles that are unpacked. */
  readonly versions: ReadonlySet<string>
  /** Services of packages that start with the host and would take the place of ours. */
  readonly autostart: ReadonlySet<string>
  /** What `current` leads to: `versions/0.1.0-…`. */
  readonly current: string
  /** What was written of who provisioned it. */
  readonly owner: Owner
  /** Where its agent joined, whoever set it up. */
  readonly joined?: string
  readonly engine?: Answer
  readonly manager?: Answer
}

/** What a host keeps of its provisioning, so that another person's machine can read it. */
export interface Owner {
  readonly machine?: string
  /** Of that machine, whatever it is called by now. */
  readonly id?: string
  readonly cluster?: string
  readonly installed?: readonly string[]
  /** Entries of ours in Docker's configuration, by its lists. */
  readonly docker?: Readonly<Partial<Record<string, readonly string[]>>>
}

/** What a daemon of ours says of itself. */
interface Answer {
  readonly name: string
  readonly version: string
  readonly running: number
}

type Lines = Readonly<Record<string, readonly string[]>>

/** When a look at a host began and ended by our own clock, whole seconds. */
export interface Span {
  readonly fromS: number
  readonly toS: number
}

/** Reads what the script printed. Throws BAD_FACTS. */
export function parseFacts(text: string, span: Span): HostFacts {
  const lines = parseLines(text)
  const one = (name: string): string => lines[name]?.[0] ?? ''
  const all = (name: string): readonly string[] => lines[name] ?? []
  const docker = lines['docker'] && { version: one('docker'), containers: Number(one('docker_running')) || 0 }
  const engine = json<Answer>(one('engine'))
  const manager = json<Answer>(one('manager'))
  const joined = json<{ discovery?: string }>(one('joined'))?.discovery
  const decoded = (name: string) => lines[name] && Buffer.from(one(name), 'base64').toString()
  const config = decoded('docker_config')
  const certificate = decoded('engine_certificate')
  return {
    os: osRelease(all('os')),
    kernel: one('kernel'),
    architecture: one('arch'),
    hostname: one('hostname'),
    clockAheadS: aheadOf(span, Number(one('clock'))),
    libc: one('libc'),
    cgroup: one('cgroup'),
    init: initOf(one('init')),
    memoryBytes: Number(one('memory')) * 1_024,
    diskFree: Object.fromEntries(
      all('disk')
        .map(words)
        .map(([place = '', kib]) => [place, Number(kib) * 1_024]),
    ),
    locks: all('lock'),
    firewalls: all('firewall'),
    missing: new Set(all('missing')),
    listening: new Set(all('listens').map(hex => Number.parseInt(hex, 16))),
    features: new Set(all('feature')),
    unsure: new Set(all('unsure')),
    files: new Map(
      all('file')
        .map(words)
        .map(([digest = '', path = '']) => [path, digest]),
    ),
    services: servicesOf(lines),
    identities: new Set(all('identity')),
    expired: new Set(all('expired')),
    versions: new Set(all('version')),
    autostart: new Set(all('autostart')),
    current: one('current'),
    owner: json<Owner>(one('owner')) ?? {},
    ...(lines['image'] === undefined ? {} : { image: one('image') }),
    ...(lines['nft'] === undefined ? {} : { nft: one('nft') }),
    ...(docker === undefined ? {} : { docker }),
    ...(config === undefined ? {} : { dockerConfig: config }),
    ...(certificate === undefined ? {} : { engineCertificate: certificate }),
    ...(joined === undefined ? {} : { joined }),
    ...(engine === undefined ? {} : { engine }),
    ...(manager === undefined ? {} : { manager }),
  }
}

function aheadOf({ fromS, toS }: Span, clockS: number): number {
  return clockS < fromS ? clockS - fromS : Math.max(0, clockS - toS)
}

function parseLines(text: string): Lines {
  const found = json<Lines>(text.trim())
  if (found !== undefined && Array.isArray(found['kernel'])) return found
  throw failed(
    'BAD_FACTS',
    `The host did not answer as one with a POSIX shell and awk does: ${JSON.stringify(text.slice(0, 200))}`,
  )
}

function servicesOf(lines: Lines): HostFacts['services'] {
  const runs = new Map((lines['runs'] ?? []).map(words).map(([name, digest = '']) => [name, digest]))
  const states = (lines['service'] ?? []).map(words)
  return new Map(states.map(([name = '', state]) => [name, { active: state === 'active', runs: runs.get(name) ?? '' }]))
}

function osRelease(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.flatMap(line => {
      const [, name, value] = /^([A-Z0-9_]+)=["']?(.*?)["']?$/.exec(line) ?? []
      return name === undefined || value === undefined ? [] : [[name, value]]
    }),
  )
}

function initOf(word: string): HostFacts['init'] {
  return word === 'systemd' || word === 'openrc' ? word : 'none'
}

function words(line: string): string[] {
  return line.split(' ')
}

/** Undefined for what is no JSON: a file may have been cut off while it was written. */
function json<T>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
