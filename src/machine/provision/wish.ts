import { createHash } from 'node:crypto'
import { invalidInput } from '../../core/errors.ts'
import type { Needed } from '../hosts/os-table.ts'
import type { Machine } from '../model/machine.ts'
import { type Bundle, bundleId } from './bundle/bundle.ts'
import { argumentsFile, environmentFile, PLACES, type ServiceName } from './host-paths.ts'
import type { Certifier, TrustFiles } from './trust.ts'

/** A file as it is to be. */
export interface WishedFile {
  readonly path: string
  /** As `chmod` takes it. */
  readonly mode: '600' | '644' | '755'
  readonly content: string
}

/** A daemon as it is to run. */
export interface WishedService {
  readonly name: ServiceName
  /** Digest of all it is started with, as the host's launcher computes it. */
  readonly runs: string
}

/** A host as it is to be. Made of the machine's record alone: the same record always gives the same wish. */
export interface Wish {
  readonly machine: Machine
  readonly address: string
  readonly bundle: Bundle
  /** Where the engine answers others. */
  readonly enginePort: number
  /** TCP and UDP ports that others must reach: `2376/tcp`. */
  readonly ports: readonly string[]
  readonly services: readonly WishedService[]
  /** Arguments, environments and settings of the kernel; what starts daemons stands apart. */
  readonly files: readonly WishedFile[]
  /** Programs, and files that stand for packages, that must be there. */
  readonly needed: readonly Needed[]
  /** The store of the cluster it is in, without a slash at its end. */
  readonly cluster?: string
  readonly trust?: TrustFiles
  readonly certifier?: Certifier
  /** Nothing is fetched from a package mirror; with a directory, packages are its files. */
  readonly offline: boolean
  readonly packageDirectory?: string
}

export interface WishInput {
  readonly machine: Machine
  readonly address: string
  readonly url: string
  readonly bundle: Bundle
  readonly trust?: TrustFiles
  readonly certifier?: Certifier
  readonly offline: boolean
  readonly packageDirectory?: string
}

const MANAGER_PORT = 3376
const STORE_PORT = 2379
export const DATA_ROOT = '/var/lib/shoal'
export const ENGINE_SOCKET = '/run/shoal/engine.sock'
export const MANAGER_SOCKET = '/run/shoal/manager.sock'
export const TLS_DIRECTORY = '/etc/shoal/tls'

/** Throws BAD_MACHINE_SETTING for what no file of arguments can hold. */
export function wishFor({ machine, address, url, bundle, ...more }: WishInput): Wish {
  const enginePort = Number(new URL(url).port || 2_376)
  const base = { machine, address, bundle, enginePort, ...more }
  const daemons = daemonsOf(base)
  const unnamed = machine.engine.environment.find(each => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(each))
  if (unnamed !== undefined) {
    throw invalidInput('BAD_MACHINE_SETTING', `"${unnamed}" cannot be in the environment: expected NAME=value`)
  }
  const environment = lines(machine.engine.environment, 'environment')
  const files = daemons.flatMap(({ name, words }): WishedFile[] => [
    { path: argumentsFile(name), mode: '600', content: lines(words, 'arguments') },
    { path: environmentFile(name), mode: '600', content: environment },
  ])
  return {
    ...base,
    ports: portsOf(base),
    services: daemons.map(({ name, words }) => ({
      name,
      runs: sha256(`versions/${bundleId(bundle)}\n${environment}${lines(words, 'arguments')}`),
    })),
    files,
    needed: neededBy(base),
    ...clusterOf(base),
  }
}

/** What is needed everywhere: to unpack the bundle, to start daemons, to join networks; and the libraries of the pinned Node. */
const ALWAYS: readonly Needed[] = [
  ...(['ip', 'mount', 'tar', 'gzip', 'flock', 'setsid'] as const),
  ...(['libatomic.so.1', 'libstdc++.so.6'] as const),
]

function neededBy({ machine: { engine, swarm }, certifier }: Base): Needed[] {
  const hasEngine = engine.kind === 'shoal' && swarm?.agent !== false
  return [
    ...ALWAYS,
    ...(hasEngine ? (['runc', 'conmon', 'nft', 'seccomp-profile'] as const) : []),
    ...(certifier === undefined ? [] : (['openssl'] as const)),
    ...(swarm?.master === true && isOwnStore(swarm.discovery) ? (['etcd'] as const) : []),
  ]
}

function clusterOf({ machine: { swarm }, address }: Base): { readonly cluster?: string } {
  if (swarm === undefined) return {}
  return { cluster: isOwnStore(swarm.discovery) ? ownStore(address) : plainStore(swarm.discovery) }
}

/** Discovery URLs are the same with and without slashes at their end. */
export function plainStore(discovery: string): string {
  return discovery.replace(/\/+$/, '')
}

function ownStore(address: string): string {
  return `etcd://${address}:${STORE_PORT}`
}

export function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

type Base = Omit<Wish, 'ports' | 'services' | 'files' | 'needed' | 'cluster'>

interface Daemon {
  readonly name: ServiceName
  readonly words: readonly string[]
}

function daemonsOf(base: Base): Daemon[] {
  const { swarm } = base.machine
  const manager: Daemon[] = swarm?.master === true ? [{ name: 'manager', words: managerWords(base) }] : []
  if (swarm?.agent === false) return manager
  return [...manager, { name: 'agent', words: agentWords(base) }]
}

function managerWords({ machine: { name, swarm }, address, trust }: Base): string[] {
  const listen = swarm?.host ?? `tcp://0.0.0.0:${MANAGER_PORT}`
  const port = URL.parse(listen)?.port || MANAGER_PORT
  const store = isOwnStore(swarm?.discovery) ? ['--etcd-listen', `${address}:${STORE_PORT}`] : []
  const isPlain = trust === undefined
  const rest = isPlain && !isOwnStore(swarm?.discovery) ? [swarm?.discovery ?? ''] : []
  return [
    'swarm',
    'manage',
    '--data-root',
    DATA_ROOT,
    '-H',
    `unix://${MANAGER_SOCKET}`,
    '-H',
    listen,
    '--advertise',
    `${address}:${port}`,
    ...store,
    // With certificates a manager has a name, and no node may have the same.
    ...(isPlain ? [] : ['--name', `manager-${name}`]),
    '--strategy',
    swarm?.strategy ?? 'spread',
    ...flags(swarm?.options ?? []),
    ...(isPlain ? ['--insecure'] : isOwnStore(swarm?.discovery) ? [] : joinFlags(trust)),
    ...rest,
  ]
}

function agentWords(base: Base): string[] {
  const { machine, address, enginePort, trust, certifier } = base
  const { engine, swarm } = machine
  const open = ['-H', `tcp://0.0.0.0:${enginePort}`]
  const shared = [
    '--name',
    machine.name,
    '--data-root',
    DATA_ROOT,
    '-H',
    `unix://${ENGINE_SOCKET}`,
    ...Object.entries(engine.labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
    ...engine.insecureRegistries.flatMap(registry => ['--insecure-registry', registry]),
    ...engine.registryMirrors.flatMap(mirror => ['--registry-mirror', mirror]),
    ...(engine.storageDriver === undefined ? [] : ['--storage-driver', engine.storageDriver]),
    ...flags(engine.options),
  ]
  // Without certificates nothing listens but the socket that root has.
  if (swarm === undefined) return ['engine', ...shared, ...(certifier === undefined ? [] : [...open, ...tlsFlags()])]
  const driven = engine.kind === 'docker' ? ['--engine', 'unix:///var/run/docker.sock'] : []
  const store = isOwnStore(swarm.discovery) ? ownStore(address) : swarm.discovery
  const cluster = trust === undefined ? ['--insecure', store] : joinFlags(trust)
  const advertise = ['--advertise', `${address}:${enginePort}`]
  return ['swarm', 'join', ...shared, ...open, ...driven, ...advertise, ...flags(swarm.joinOptions), ...cluster]
}

/** The manager keeps the cluster's store itself, as nobody named one. */
export function isOwnStore(discovery: string | undefined): boolean {
  return discovery === undefined || discovery === ''
}

function joinFlags({ managers }: TrustFiles): string[] {
  return ['--token-file', PLACES.token, '--manager', managers.join(',')]
}

function tlsFlags(): string[] {
  const files = [
    ['--tlscacert', 'ca.pem'],
    ['--tlscert', 'cert.pem'],
    ['--tlskey', 'key.pem'],
  ]
  return ['--tlsverify', ...files.flatMap(([flag = '', file = '']) => [flag, `${TLS_DIRECTORY}/${file}`])]
}

/** `log-level=debug` and `--log-level=debug` are the same. */
function flags(options: readonly string[]): string[] {
  return options.map(option => (option.startsWith('-') ? option : `--${option}`))
}

function portsOf({ machine: { swarm }, enginePort, certifier }: Base): string[] {
  if (swarm === undefined) return certifier === undefined ? [] : [`${enginePort}/tcp`]
  const agent = swarm.agent ? [`${enginePort}/tcp`, '4789/udp', '4788/udp'] : []
  if (!swarm.master) return agent
  const port = URL.parse(swarm.host)?.port || MANAGER_PORT
  return [...agent, `${port}/tcp`, ...(isOwnStore(swarm.discovery) ? [`${STORE_PORT}/tcp`] : [])]
}

/** One a line, as the launcher on the host reads them. */
function lines(words: readonly string[], what: string): string {
  const broken = words.find(word => /[\n\0]/.test(word))
  if (broken !== undefined) {
    throw invalidInput(
      'BAD_MACHINE_SETTING',
      `${JSON.stringify(broken)} cannot be among the ${what}: it holds a line feed`,
    )
  }
  return words.map(word => `${word}\n`).join('')
}
