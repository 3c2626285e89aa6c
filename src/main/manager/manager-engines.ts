import type { Clock } from '../../core/clock.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Scope } from '../../core/scope.ts'
import {
  type ClusterKeys,
  clusterKeys,
  createMemoryStore,
  createNodeSource,
  type Discovery,
  type Store,
} from '../../discovery/index.ts'
import { type ClientTls, createDockerClient } from '../../docker-api/index.ts'
import { EngineList } from '../../manager/index.ts'
import type { ListPolling } from './classic-flags.ts'

interface Ports {
  readonly polling: ListPolling
  /** For managers that were given certificates: then every engine of the list must speak TLS. */
  readonly tls: ClientTls | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/**
 * A cluster of stock Docker Engines that are listed by hand: they register nowhere, so the manager does it for them, in a
 * store of its own in memory. There are no agents, so containers can be run but no services.
 */
export async function openEngineList(
  discovery: Exclude<Discovery, { scheme: 'etcd' }>,
  { polling, tls, clock, random, log }: Ports,
  scope: Scope,
): Promise<{ readonly store: Store; readonly keys: ClusterKeys; readonly engineList: EngineList }> {
  const store = await scope.open(
    () => createMemoryStore({ clock }),
    opened => opened.close(),
  )
  const keys = clusterKeys('engines')
  const source = createNodeSource(discovery, { clock, log, pollMs: polling.fileMs })
  // A list that cannot be read at the start is refused; later the last one is kept.
  await source.list()
  const engineList = new EngineList(polling, {
    store,
    keys,
    clock,
    random,
    log,
    connect: address => createDockerClient(`tcp://${address}`, { clock, tls, isOneOfMany: true }),
    tls: tls !== undefined,
  })
  const { signal } = scope
  engineList.run(source.watch(signal), signal).catch((error: unknown) => {
    if (!signal.aborted) log.error({ error: errorMessage(error) }, 'cannot follow the list of engines')
  })
  return { store, keys, engineList }
}
