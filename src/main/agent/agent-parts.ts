import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { MemberRecord } from '../../core/model/node.ts'
import type { Scope } from '../../core/scope.ts'
import {
  CachedPrefix,
  type ClusterKeys,
  clusterKeys,
  createEtcdStore,
  memberCodec,
  type Store,
} from '../../discovery/index.ts'
import { createDockerClient, type Engine } from '../../docker-api/index.ts'
import {
  type AgentPorts,
  ContainerEndpoints,
  createEngineNetworks,
  createOverlay,
  createPeerImages,
  createTaskFiles,
  type Overlay,
  onNetworks,
  type PeerImages,
  Restarts,
  type TaskFiles,
  withIngressPorts,
} from '../../node-agent/index.ts'
import { createEngine, type NameSource } from '../../runtime/index.ts'
import { ensureMemory } from '../../runtime/linux/files/memory-directory.ts'
import { reloadOnHangUp } from '../daemon/reload.ts'
import { createEnginePool, type MemberTls } from '../engine-pool.ts'
import type { JoinSettings } from './agent-settings.ts'

/** Deadline of a call of the store: shorter than the life of a membership. */
const STORE_CALL_MS = 3_000
/** How long containers' queries wait for the cluster's names at the start; resolvers ask again after about as long. */
const NAMES_WAIT_MS = 2_500

type BasePorts = Pick<AgentPorts, 'clock' | 'random' | 'log' | 'store' | 'keys'>

/** Connects when it is first used; a store that is away is no error here. */
export function openStore(
  { cluster, storeTls, trust }: Pick<JoinSettings, 'cluster' | 'storeTls' | 'trust'>,
  { clock }: { readonly clock: Clock },
  scope: Scope,
): { readonly store: Store; readonly keys: ClusterKeys } {
  const tls = storeTls ?? trust?.identity.own()
  const endpoints = trust === undefined ? cluster.endpoints : () => trust.places.storeEndpoints
  const options = { endpoints, clock, callTimeoutMs: STORE_CALL_MS }
  const store = createEtcdStore(tls === undefined ? options : { ...options, tls })
  scope.defer(() => store.close())
  return { store, keys: clusterKeys(cluster.cluster) }
}

export interface NodeEngine {
  readonly engine: Engine
  /** The same as its users have it: with the cluster's networks, and restarts that are known to be that. */
  readonly served: Engine
  readonly restarts: Restarts
  readonly overlay: Overlay
  readonly startOverlay: (signal: AbortSignal) => Promise<void>
  /** Follows what becomes of containers on the cluster's networks until the signal is aborted. */
  readonly followContainers: (signal: AbortSignal) => Promise<void>
}

/** The engine of this node with its networks: the embedded one with the overlay, or another with its own networks. */
export async function openNodeEngine(settings: JoinSettings, ports: BasePorts, scope: Scope): Promise<NodeEngine> {
  if (settings.engineUrl !== undefined) {
    const client = createDockerClient(settings.engineUrl, { ...ports, tls: settings.engineTls })
    scope.defer(client.close)
    return {
      engine: client,
      served: client,
      restarts: new Restarts(),
      overlay: createEngineNetworks(client),
      startOverlay: () => Promise.resolve(),
      followContainers: () => Promise.resolve(),
    }
  }
  const named = Promise.withResolvers<void>()
  const limit = ports.clock.setTimer(NAMES_WAIT_MS, named.resolve)
  scope.defer(limit.cancel)
  const unknownYet: NameSource = { lookup: () => undefined, ready: named.promise }
  const engine = await scope.open(
    () => createEngine(settings.engine, { ...ports, names: unknownYet }),
    opened => opened.close(),
  )
  reloadOnHangUp(settings.flags, { engine, log: ports.log, isDebug: settings.engine.debug === true }, scope)
  const overlay = createOverlay(
    { node: settings.engine.name, hostAddress: settings.agent.address },
    { ...ports, engine },
  )
  scope.defer(() => overlay.close())
  engine.setNameSource({ ...overlay.names, ready: named.promise })
  const endpoints = new ContainerEndpoints({ ...ports, engine, overlay: overlay.containers })
  const restarts = new Restarts()
  const onCluster = onNetworks({
    ...ports,
    engine,
    overlay: overlay.containers,
    look: id => endpoints.look(id),
    expect: owner => endpoints.expect(owner),
  })
  return {
    engine,
    served: withIngressPorts(restarts.watch(onCluster)),
    restarts,
    overlay,
    startOverlay: signal => overlay.start(signal).then(named.resolve),
    followContainers: signal => endpoints.run(signal),
  }
}

/** What the cluster keeps for containers of this node: on its disk, and secrets in memory. */
export function taskFiles(
  settings: JoinSettings,
  agentDirectory: string,
  { store, keys }: Pick<BasePorts, 'store' | 'keys'>,
): TaskFiles {
  const directory = join(agentDirectory, 'files')
  return createTaskFiles({ store, keys, directory, secretsDirectory: secretsIn(settings), ensureMemory })
}

/** Where containers' secrets are, in memory. */
export function secretsIn({ engine: { execRoot } }: JoinSettings): string {
  return join(execRoot, 'secrets')
}

/** The other members, and what images they have. */
export function followPeers(
  node: string,
  ports: BasePorts & { readonly engine: Engine; readonly tlsOf: MemberTls },
): { readonly members: { readonly close: () => void }; readonly peers: PeerImages } {
  const { store, keys, clock, log, engine, tlsOf } = ports
  const members = new CachedPrefix<MemberRecord>({ store, prefix: keys.members, codec: memberCodec, clock, log })
  const pool = createEnginePool({ clock, tlsOf })
  const peers = createPeerImages({
    engine,
    members: () => members.values().filter(({ name }) => name !== node),
    connect: pool.engineOf,
    clock,
    log,
  })
  const close = (): void => {
    members.close()
    pool.close()
  }
  return { members: { close }, peers }
}
