import { hostname, release } from 'node:os'
import type { RunCommand } from '../cli/index.ts'
import type { Clock } from '../core/clock.ts'
import { sleep, withDeadline } from '../core/clock.ts'
import { errorMessage, failed, isTransient } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { newShortId, type Random } from '../core/random.ts'
import { Scope } from '../core/scope.ts'
import {
  type ClusterKeys,
  clusterKeys,
  createCluster,
  createEtcdStore,
  type Store,
  startEtcd,
} from '../discovery/index.ts'
import { type ClientTls, clientTlsOf } from '../docker-api/index.ts'
import { createManager, createManagerServer, type EngineList } from '../manager/index.ts'
import { createEnginePool } from './engine-pool.ts'
import { createLogger } from './logger.ts'
import { type ManageOptions, readManageOptions } from './manager/manager-options.ts'
import { loadTls } from './tls-flags.ts'
import { VERSION } from './version.ts'

/** How long the store may be silent at the start before we give up. */
const STORE_TIMEOUT_MS = 15_000

interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** `swarm manage`: runs a manager until it is told to stop. */
export const runManager: RunCommand = async (invocation, context) => {
  const options = readManageOptions(invocation, context)
  for (const warning of options.warnings) context.stderr.write(`Warning: ${warning}\n`)
  const { clock, random, signal } = context
  const ports: Ports = { clock, random, log: createLogger(options.logLevel) }
  const scope = new Scope()
  await using _closing = scope
  const serverTls = options.tlsFiles === undefined ? undefined : await loadTls(options.tlsFiles)
  const clientTls = serverTls === undefined ? undefined : clientTlsOf(serverTls)
  const { store, keys, engineList } = await openStore({ ...options, clientTls }, ports, scope)
  const pool = createEnginePool({ clock, tls: clientTls })
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
  const tls = serverTls === undefined ? {} : { tls: serverTls }
  const server = await createManagerServer(
    { ...options, ...tls, name: hostname(), version: VERSION, kernel: release() },
    { ...ports, store, keys, manager, engines, ...(engineList === undefined ? {} : { engineList }) },
  )
  scope.defer(() => server.close())
  // Listening first: an address in use must not disturb a cluster that already has a manager.
  const addresses = await server.listen({ hosts: options.hosts, insecure: options.insecure, ...tls })
  ports.log.info({ addresses }, 'listening')
  const running = new AbortController()
  const run = manager.run(AbortSignal.any([signal, running.signal]))
  scope.defer(async () => {
    running.abort()
    await run
  })
  await run
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
  const endpoints = discovery?.endpoints ?? [await ownEtcd(options, ports, scope)]
  const cluster = discovery?.cluster ?? options.cluster
  const store = await scope.open(
    () => createEtcdStore({ endpoints, clock: ports.clock, ...(storeTls === undefined ? {} : { tls: storeTls }) }),
    opened => opened.close(),
  )
  const keys = clusterKeys(cluster)
  await untilCluster(store, keys, { ...ports, where: `etcd://${endpoints.join(',')}` })
  return { store, keys }
}

/** Starts the embedded store, or takes over the one that a killed manager left running. */
async function ownEtcd(
  { dataRoot, etcdListen, cluster }: ManageOptions,
  { clock, log }: Ports,
  scope: Scope,
): Promise<string> {
  const { host, port } = etcdListen
  const etcd = await scope.open(
    () => startEtcd({ dataDir: dataRoot, clock, host, clientPort: port }),
    opened => opened.stop(),
  )
  const url = `etcd://${etcd.endpoint}/${cluster}`
  log.info({ url, pid: etcd.pid, adopted: etcd.adopted }, 'the embedded store runs; nodes join with this URL')
  const { signal } = scope
  void etcd.exited.then(
    how => !signal.aborted && log.error({ how }, 'the embedded store has ended; restart the manager'),
  )
  return etcd.endpoint
}

/** Waits for the store, and gives the cluster its identity if it has none. Throws 500 `NO_STORE`. */
async function untilCluster(
  store: Store,
  keys: ClusterKeys,
  { clock, random, log, where }: Ports & { readonly where: string },
): Promise<void> {
  let last = `The store at ${where} does not answer`
  const trying = async (signal: AbortSignal): Promise<void> => {
    while (true) {
      try {
        const { meta, created } = await createCluster(store, keys, { clock, random })
        return log.info({ cluster: meta.clusterId, created }, 'found the cluster')
      } catch (error) {
        if (!isTransient(error)) throw error
        if (last !== errorMessage(error)) log.warn({ error: errorMessage(error) }, 'the store does not answer yet')
        last = errorMessage(error)
        await sleep(clock, 500, signal)
      }
    }
  }
  await withDeadline(trying, STORE_TIMEOUT_MS, {
    clock,
    onTimeout: () => failed('NO_STORE', `${last}; gave up after ${STORE_TIMEOUT_MS / 1_000} s`),
  })
}
