import { managerPort, STORE_PEER_PORT, STORE_PORT } from '../model/cluster-ports.ts'
import type { Machine } from '../model/machine.ts'
import { DATA_ROOT, ENGINE_SOCKET, MANAGER_SOCKET, PLACES, type ServiceName, TLS_DIRECTORY } from './host-paths.ts'
import type { TrustFiles } from './trust.ts'

/** What daemons are started from. */
export interface Basis {
  readonly machine: Machine
  readonly address: string
  readonly enginePort: number
  readonly trust?: TrustFiles
}

interface Daemon {
  readonly name: ServiceName
  /** Behind `shoal`. */
  readonly words: readonly string[]
}

/** The daemons of a machine, in the order in which they are started. */
export function daemonsOf(basis: Basis): Daemon[] {
  const { engine, swarm } = basis.machine
  // Docker's own service is all that runs.
  if (swarm === undefined && engine.kind === 'docker') return []
  const manager: Daemon[] = swarm?.master === true ? [{ name: 'manager', words: managerWords(basis, swarm) }] : []
  if (swarm?.agent === false) return manager
  return [...manager, { name: 'agent', words: agentWords(basis) }]
}

/** Ports that others must reach. */
export function portsOf({ machine, enginePort, trust }: Basis): string[] {
  const { swarm } = machine
  if (swarm === undefined) return hasOwnTls(machine) ? [`${enginePort}/tcp`] : []
  const agent = swarm.agent ? [`${enginePort}/tcp`, '4789/udp', '4788/udp'] : []
  if (!swarm.master) return agent
  const store = runsEtcd({ swarm, trust }) ? [`${STORE_PORT}/tcp`] : []
  const peers = store.length > 0 && trust !== undefined ? [`${STORE_PEER_PORT}/tcp`] : []
  return [...agent, `${managerPort(swarm.host)}/tcp`, ...store, ...peers]
}

/** Its engine serves by itself, with a certificate of the store's authority: members of a cluster have the cluster's. */
export function hasOwnTls({ access, swarm }: Machine): boolean {
  return access === 'tls' && swarm === undefined
}

/** The manager keeps the cluster's store itself, as nobody named one. */
export function isOwnStore(discovery: string | undefined): boolean {
  return discovery === undefined || discovery === ''
}

/** Its manager keeps the store, or a copy of it: of a cluster with certificates each has one. */
export function runsEtcd({
  swarm,
  trust,
}: {
  readonly swarm: Machine['swarm']
  readonly trust?: TrustFiles | undefined
}): boolean {
  return swarm?.master === true && (isOwnStore(swarm.discovery) || trust !== undefined)
}

export function ownStore(address: string): string {
  return `etcd://${address}:${STORE_PORT}`
}

/** Under which its manager has a certificate of the cluster: names are unique there, and its agent has the machine's. */
export function managerName({ name }: Pick<Machine, 'name'>): string {
  return `manager-${name}`
}

/** Discovery URLs are the same with and without slashes at their end. */
export function plainStore(discovery: string): string {
  return discovery.replace(/\/+$/, '')
}

function managerWords({ machine, address, trust }: Basis, swarm: NonNullable<Machine['swarm']>): string[] {
  const isOwn = isOwnStore(swarm.discovery)
  return [
    ['swarm', 'manage', '--data-root', DATA_ROOT],
    ['-H', `unix://${MANAGER_SOCKET}`, '-H', swarm.host],
    ['--advertise', `${address}:${managerPort(swarm.host)}`],
    runsEtcd({ swarm, trust }) ? ['--etcd-listen', `${address}:${STORE_PORT}`] : [],
    // With certificates a manager has a name, and no node may have the same.
    trust === undefined ? ['--insecure'] : ['--name', managerName(machine)],
    trust === undefined || isOwn ? [] : joinFlags(trust),
    ['--strategy', swarm.strategy],
    flags(swarm.options),
    trust === undefined && !isOwn ? [swarm.discovery] : [],
  ].flat()
}

function agentWords({ machine, address, enginePort, trust }: Basis): string[] {
  const { engine, swarm } = machine
  const open = ['-H', `tcp://0.0.0.0:${enginePort}`]
  const shared = [
    ['--name', machine.name, '--data-root', DATA_ROOT, '-H', `unix://${ENGINE_SOCKET}`],
    Object.entries(engine.labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
    engine.insecureRegistries.flatMap(registry => ['--insecure-registry', registry]),
    engine.registryMirrors.flatMap(mirror => ['--registry-mirror', mirror]),
    engine.storageDriver === undefined ? [] : ['--storage-driver', engine.storageDriver],
    flags(engine.options),
  ].flat()
  // Without certificates nothing listens but the socket that root has.
  if (swarm === undefined) return ['engine', ...shared, ...(hasOwnTls(machine) ? [...open, ...TLS_FLAGS] : [])]
  const store = isOwnStore(swarm.discovery) ? ownStore(address) : swarm.discovery
  return [
    ['swarm', 'join', ...shared, ...open],
    engine.kind === 'docker' ? ['--engine', 'unix:///var/run/docker.sock'] : [],
    ['--advertise', `${address}:${enginePort}`],
    flags(swarm.joinOptions),
    trust === undefined ? ['--insecure', store] : joinFlags(trust),
  ].flat()
}

function joinFlags({ managers }: TrustFiles): string[] {
  return ['--token-file', PLACES.token, '--manager', managers.join(',')]
}

const TLS_FLAGS = [
  ['--tlsverify'],
  ['--tlscacert', `${TLS_DIRECTORY}/ca.pem`],
  ['--tlscert', `${TLS_DIRECTORY}/cert.pem`],
  ['--tlskey', `${TLS_DIRECTORY}/key.pem`],
].flat()

/** `log-level=debug` and `--log-level=debug` are the same. */
function flags(options: readonly string[]): string[] {
  return options.map(option => (option.startsWith('-') ? option : `--${option}`))
}
