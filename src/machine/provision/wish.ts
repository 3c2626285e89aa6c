import { createHash } from 'node:crypto'
import { invalidInput } from '../../core/errors.ts'
import type { Needed } from '../hosts/os-table.ts'
import { ENGINE_PORT } from '../model/cluster-ports.ts'
import type { Machine } from '../model/machine.ts'
import { type Bundle, bundleId } from './bundle/bundle.ts'
import {
  type Basis,
  daemonsOf,
  hasOwnTls,
  isOwnStore,
  ownStore,
  plainStore,
  portsOf,
  runsEtcd,
} from './daemon-words.ts'
import { argumentsFile, environmentFile, type ServiceName } from './host-paths.ts'
import type { Certifier, TrustFiles } from './trust.ts'

/** A file as it is to be. */
export interface WishedFile {
  readonly path: string
  /** As `chmod` takes it; `kept`: a file that is there keeps its own. */
  readonly mode: '600' | '644' | '755' | 'kept'
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

/** Throws BAD_MACHINE_SETTING for what no file of arguments can hold. */
export function wishFor({ machine, address, url, bundle, ...more }: WishInput): Wish {
  const enginePort = Number(new URL(url).port || ENGINE_PORT)
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

function neededBy({ machine, trust }: Basis): Needed[] {
  const { engine, swarm } = machine
  const hasEngine = engine.kind === 'shoal' && swarm?.agent !== false
  if (engine.kind === 'docker' && swarm === undefined) return ['docker']
  return [
    ...ALWAYS,
    ...(engine.kind === 'docker' ? (['docker'] as const) : []),
    ...(hasEngine ? ([runtimeOf(machine), 'conmon', 'nft', 'seccomp-profile'] as const) : []),
    ...(hasOwnTls(machine) ? (['openssl'] as const) : []),
    ...(runsEtcd({ swarm, trust }) ? (['etcd'] as const) : []),
  ]
}

/** The program that runs containers, where a package brings it; of one that was named otherwise the person knows. */
function runtimeOf({ engine }: Machine): 'runc' | 'crun' {
  return engine.options.some(option => /^(?:--)?default-runtime=(?:.*\/)?crun$/.test(option)) ? 'crun' : 'runc'
}

function clusterOf({ machine: { swarm }, address }: Basis): { readonly cluster?: string } {
  if (swarm === undefined) return {}
  return { cluster: isOwnStore(swarm.discovery) ? ownStore(address) : plainStore(swarm.discovery) }
}

export function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex')
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
