import { hostname, release } from 'node:os'
import type { RunCommand } from '../cli/index.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { newShortId, type Random } from '../core/random.ts'
import { Scope } from '../core/scope.ts'
import { type ClusterKeys, clusterKeys, createCluster, createEtcdStore, type Store } from '../discovery/index.ts'
import { type ClientTls, clientTlsOf } from '../docker-api/index.ts'
import type { ServerTls } from '../docker-api/server/index.ts'
import {
  createManager,
  createManagerServer,
  type EngineList,
  type Manager,
  type TrustRoutePorts,
} from '../manager/index.ts'
import { createPeerReader } from '../trust/index.ts'
import { DATA_ROOT } from './daemon/daemon-flags.ts'
import { hostPace, tellPace } from './daemon/host-pace.ts'
import { createEnginePool, type MemberTls, memberTls } from './engine-pool.ts'
import { createLogger } from './logger.ts'
import { untilStoreAnswers } from './manager/await-store.ts'
import { type ManageOptions, readManageOptions } from './manager/manager-options.ts'
import { type OwnEtcd, openOwnEtcd } from './manager/own-etcd.ts'
import { hasTrust, openSecureStore, type SecurePorts } from './manager/secure-store.ts'
import { loadTls } from './tls-flags.ts'
import { createGuard } from './trust/guard.ts'
import { VERSION } from './version.ts'

interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
}

/** `swarm manage`: runs a manager until it is told to stop. */
export const runManager: RunCommand = async (invocation, context) => {
  const pace = hostPace()
  const dataRoot = invocation.options.text('dataRoot') ?? DATA_ROOT
  const isTrusted = await hasTrust(invocation, dataRoot)
  const options = readManageOptions(invocation, { env: context.env, isTrusted, pace })
  for (const warning of options.warnings) context.stderr.write(`Warning: ${warning}\n`)
  const { clock, random, signal } = context
  const ports: Ports = { clock, random, signal, log: createLogger(options.logLevel) }
  tellPace(pace, { electionTtlMs: options.electionTtlMs }, ports.log)
  const scope = new Scope()
  await using _closing = scope
  const opened = isTrusted
    ? await openTrusted(options, { ...ports, invocation, context }, scope)
    : await openWithoutTrust(options, ports, scope)
  const { store, keys, engineList, tls, tlsOf, leaderTls } = opened
  const pool = createEnginePool({ clock, tlsOf })
  scope.defer(pool.close)
  const engines = pool.engineOf
  const id = newShortId(random)
  const manager = createManager(
    {
      id,
      address: options.advertise,
      electionTtlMs: options.electionTtlMs,
      decide: { strategy: options.strategy, overcommit: options.overcommit, preferences: options.preferences },
    },
    { ...ports, store, keys, engines },
  )
  opened.know(manager)
  const server = await createManagerServer(
    { ...options, name: hostname(), version: VERSION, kernel: release() },
    {
      ...ports,
      store,
      keys,
      manager,
      engines,
      tlsOf,
      ...(leaderTls === undefined ? {} : { leaderTls }),
      ...(engineList === undefined ? {} : { engineList }),
      ...(opened.trust === undefined ? {} : { trust: opened.trust }),
    },
  )
  scope.defer(() => server.close())
  // Listening first: an address in use must not disturb a cluster that already has a manager.
  const { hosts, insecure } = options
  const addresses = await server.listen({ hosts, insecure, ...(tls === undefined ? {} : { tls }) })
  ports.log.info({ addresses }, 'listening')
  const running = new AbortController()
  const end = AbortSignal.any([signal, running.signal])
  const run = Promise.all([manager.run(end), opened.keep(end)])
  scope.defer(async () => {
    running.abort()
    await run
  })
  await run
}

/** What a manager works with, whether or not the cluster makes its own certificates. */
interface Opened {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly engineList?: EngineList
  readonly tls: ServerTls | undefined
  readonly tlsOf: MemberTls
  readonly leaderTls: ClientTls | undefined
  readonly trust?: TrustRoutePorts
  /** Told who leads once there is a manager to ask. */
  readonly know: (manager: Manager) => void
  /** What goes on beside the manager, until the signal is aborted. */
  readonly keep: (signal: AbortSignal) => Promise<void>
}

async function openTrusted(
  options: ManageOptions,
  { invocation, context, ...ports }: Ports & Pick<SecurePorts, 'invocation' | 'context'>,
  scope: Scope,
): Promise<Opened> {
  let known: Manager | undefined
  const managers = (): readonly string[] => [
    ...new Set([options.advertise, known?.leader()?.address ?? options.advertise]),
  ]
  const secure = await openSecureStore(options, { ...ports, invocation, context, managers }, scope)
  const { store, keys, identity, trust, storeEnded, isMember, keep } = secure
  const { clusterId } = identity.credentials.subject
  const where = `etcd://${trust.storeEndpoints().join(',')}`
  const waiting = { ...ports, where, ended: storeEnded, isMember }
  await untilCluster(store, keys, { ...waiting, clusterId })
  await untilStoreAnswers(secure.announce, waiting)
  const { refuse, peerOf } = createGuard('manager', { identity, clock: ports.clock, readPeer: createPeerReader() })
  return {
    store,
    keys,
    keep,
    tls: identity.serve(refuse),
    tlsOf: memberTls(identity, undefined),
    leaderTls: identity.dial({ role: 'manager' }),
    trust: { ...trust, peerOf },
    know(manager) {
      known = manager
    },
  }
}

async function openWithoutTrust(options: ManageOptions, ports: Ports, scope: Scope): Promise<Opened> {
  const tls = options.tlsFiles === undefined ? undefined : await loadTls(options.tlsFiles)
  const own = tls === undefined ? undefined : clientTlsOf(tls)
  const opened = await openStore({ ...options, clientTls: own }, ports, scope)
  return { ...opened, tls, tlsOf: memberTls(undefined, own), leaderTls: own, know() {}, keep: async () => {} }
}

async function openStore(
  options: ManageOptions & { readonly clientTls: ClientTls | undefined },
  ports: Ports,
  scope: Scope,
): Promise<{ store: Store; keys: ClusterKeys; engineList?: EngineList }> {
  const { discovery, storeTls, clientTls, polling } = options
  if (discovery !== undefined && discovery.scheme !== 'etcd') {
    const { openEngineList } = await import('./manager/manager-engines.ts')
    return openEngineList(discovery, { ...ports, tls: clientTls, polling }, scope)
  }
  const cluster = discovery?.cluster ?? options.cluster
  const own = discovery === undefined ? await ownEtcd(options, ports, scope) : undefined
  const endpoints = own === undefined ? (discovery?.endpoints ?? []) : [own.endpoint]
  const store = await scope.open(
    () => createEtcdStore({ endpoints, clock: ports.clock, ...(storeTls === undefined ? {} : { tls: storeTls }) }),
    opened => opened.close(),
  )
  const keys = clusterKeys(cluster)
  await untilCluster(store, keys, { ...ports, where: `etcd://${endpoints.join(',')}`, ended: own?.ended })
  return { store, keys }
}

async function ownEtcd(options: ManageOptions, ports: Ports, scope: Scope): Promise<OwnEtcd> {
  const { dataRoot, etcdListen, cluster } = options
  const own = await openOwnEtcd({ dataDir: dataRoot, host: etcdListen.host, clientPort: etcdListen.port }, ports, scope)
  ports.log.info({ url: `etcd://${own.endpoint}/${cluster}` }, 'nodes join with this URL')
  return own
}

interface ClusterWait extends Ports {
  readonly where: string
  readonly ended: Promise<string> | undefined
  readonly isMember?: boolean
  readonly clusterId?: string
}

/** Waits for the store, and gives the cluster its identity if it has none. Throws what {@link untilStoreAnswers} does. */
async function untilCluster(store: Store, keys: ClusterKeys, waiting: ClusterWait): Promise<void> {
  const { clock, random, log, clusterId } = waiting
  const made = { clock, random, ...(clusterId === undefined ? {} : { clusterId }) }
  const { meta, created } = await untilStoreAnswers(() => createCluster(store, keys, made), waiting)
  log.info({ cluster: meta.clusterId, created }, 'found the cluster')
}
