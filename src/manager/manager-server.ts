import type { Clock } from '../core/clock.ts'
import { unavailable } from '../core/errors.ts'
import { isoSeconds } from '../core/iso-seconds.ts'
import { KeyedLock } from '../core/keyed-lock.ts'
import type { Log } from '../core/log.ts'
import type { MemberRecord } from '../core/model/node.ts'
import type { Random } from '../core/random.ts'
import type { ClusterKeys, Store } from '../discovery/index.ts'
import type { ClientTls, Engine } from '../docker-api/index.ts'
import { createListeners, type Listeners } from '../docker-api/server/index.ts'
import type { FilterName, Preferences } from '../scheduler/index.ts'
import { createVersionCap } from './docker/api-versions.ts'
import type { Creating } from './docker/containers/container-routes.ts'
import { ExecNodes } from './docker/containers/exec-nodes.ts'
import { type Care, createContainer } from './docker/create/create-container.ts'
import { PlacementState } from './docker/create/placement-state.ts'
import { dockerRoutes, hijackTarget, isHijack } from './docker/docker-routes.ts'
import { BuiltImages } from './docker/images/built-images.ts'
import { forgetLostImages } from './docker/images/forget-lost-images.ts'
import { LostNodes } from './docker/lost-nodes.ts'
import type { NetworkUsePorts } from './docker/networks/cluster-networks.ts'
import type { ClusterNodes, MemberTls } from './docker/nodes.ts'
import type { EngineList } from './engine-list/engine-list.ts'
import { afterStart, notRead } from './http/after-start.ts'
import { Connections } from './http/connections.ts'
import { withCors } from './http/cors.ts'
import { createFront } from './http/server.ts'
import { v1Routes } from './http/v1-routes.ts'
import { whyRoutes } from './http/why-routes.ts'
import { ClusterInventory } from './inventory/index.ts'
import type { Manager } from './manager.ts'
import type { Strategy } from './model/round.ts'
import type { Snapshot } from './model/snapshot.ts'
import { endpointsOn } from './project/endpoints-on.ts'
import { Rescheduler, type ReschedulerPorts } from './reschedule/rescheduler.ts'
import { revokeIfAny } from './trust/revoke.ts'
import { type TrustRoutePorts, trustRoutes } from './trust/trust-routes.ts'
import { nodeViews, pendingViews } from './views.ts'

export interface ManagerServerOptions {
  /** Shown as the name of the cluster's manager. */
  readonly name: string
  readonly version: string
  readonly kernel: string
  readonly strategy: Strategy
  /** Of containers that are created one by one, in the order in which they are applied. */
  readonly filters: readonly FilterName[]
  readonly overcommit: number
  /** What is wanted of placement beyond classic Swarm. Default: nothing. */
  readonly preferences?: Preferences
  /** How often a container that could not be created is tried again; absent: never. */
  readonly createRetries?: number
  /** Lets web pages of any origin use the API. */
  readonly cors?: boolean
}

export interface ManagerServerPorts {
  readonly manager: Manager
  readonly engines: (member: MemberRecord) => Engine
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly store: Store
  readonly keys: ClusterKeys
  /** Where engines are listed by hand. */
  readonly engineList?: EngineList
  /** How nodes are spoken to, and the manager that leads; absent: without TLS. */
  readonly tlsOf?: MemberTls
  readonly leaderTls?: ClientTls
  /** Where the cluster makes its own certificates. */
  readonly trust?: TrustRoutePorts
}

/** What is wrong with a node, and since when it is. */
function troubleOf(name: string, inventory: ClusterInventory, engineList: EngineList | undefined): string | undefined {
  const known = inventory.node(name)
  const breakage = known?.condition === 'broken' ? (known.error ?? 'it does not answer') : undefined
  const trouble = engineList?.failure(name) ?? breakage
  if (trouble === undefined || known?.sinceMs === undefined) return trouble
  return `${trouble} (since ${isoSeconds(known.sinceMs)})`
}

/** Those that can be read: what cannot keeps no network. */
function endpointsIn(ports: Pick<ManagerServerPorts, 'store' | 'keys'>): NetworkUsePorts['endpoints'] {
  return async network => (await endpointsOn(network, ports)).flatMap(({ record }) => record ?? [])
}

/** The manager's HTTP front: Docker's API at the root, Shoal's under `/v1`. */
export async function createManagerServer(
  options: ManagerServerOptions,
  ports: ManagerServerPorts,
): Promise<Listeners> {
  const { manager, clock, random, log, engineList, tlsOf, trust } = ports
  const built = new BuiltImages(ports)
  const { inventory, ready } = followNodes(ports, built)
  manager.whileLeading(term => forgetLostImages(term, { ...ports, built, inventory, snapshot: manager.snapshot }))
  const nodes: ClusterNodes = {
    clock,
    connections: new Connections(clock),
    ...(tlsOf === undefined ? {} : { tlsOf }),
    capVersion: createVersionCap(),
    built,
    execs: new ExecNodes(),
    lost: new LostNodes({ inventory, clock }),
    inventory,
    ready,
  }
  const strategy = {
    ...options.preferences,
    ...(options.strategy === 'random' ? { name: options.strategy, random } : { name: options.strategy }),
  }
  const trouble = (name: string): string | undefined => troubleOf(name, inventory, engineList)
  const views = () => [...nodeViews(manager.snapshot(), trouble, inventory), ...pendingViews(engineList?.pending())]
  const placing = {
    nodes,
    random,
    strategy,
    filters: options.filters,
    state: new PlacementState({ snapshot: manager.snapshot, inventory, overcommit: options.overcommit }),
    locks: new KeyedLock(),
    confirmLead: manager.confirmLead,
    volumes: () => manager.snapshot().volumes,
    pinVolumes: manager.pinVolumes,
  }
  manager.placeBeside(placing.state.standalone)
  const creating = { ...placing, ...reschedule(manager, placing, { clock, log }) }
  const why = whyRoutes({ ...creating, snapshot: manager.snapshot })
  const more = trust === undefined ? why : [...why, ...trustRoutes(trust)]
  const forgotten = async (name: string): Promise<void> => trust && revokeIfAny(name, trust)
  const routes = [
    ...v1Routes({ manager, nodes, views, forgotten }, more, options.version),
    ...dockerRoutes({ ...options, endpoints: endpointsIn(ports), manager, nodes, views, random, strategy, creating }),
  ]
  const begun = async (): Promise<void> => {
    await inventory.begun()
    if (!manager.isKnown()) throw notRead()
  }
  const hijack = async (request: Parameters<typeof hijackTarget>[0]) => {
    await begun()
    return hijackTarget(request, nodes)
  }
  const front = await createFront(afterStart(routes, begun), { ...ports, hijack, connections: nodes.connections })
  const handler = options.cors === true ? withCors(front.handler) : front.handler
  const listeners = createListeners({ handler, isUpgrade: isHijack, onUpgrade: front.onUpgrade })
  const end = new AbortController()
  const following = inventory.run(end.signal)
  return {
    listen: listeners.listen,
    async close() {
      end.abort()
      await following
      built.close()
      await listeners.close()
      await front.close()
    },
  }
}

/** Every manager follows the nodes by itself: it answers while nobody leads, and has all it needs the moment it leads. */
function followNodes(
  { manager, engines, clock, log, engineList }: ManagerServerPorts,
  built: BuiltImages,
): {
  readonly inventory: ClusterInventory
  readonly ready: ClusterNodes['ready']
} {
  const present = lastOf(manager.snapshot, ({ members }) => {
    const records = [...members.values()].map(({ value }) => value).sort((a, b) => (a.name < b.name ? -1 : 1))
    return {
      members: new Map(records.map(member => [member.name, member])),
      ready: records.map(member => ({ name: member.name, member, engine: engines(member) })),
    }
  })
  const inventory = new ClusterInventory({
    clock,
    log,
    engines,
    members: () => present().members,
    isKnown: name => manager.snapshot().nodes.has(name),
    membersKnown: async () => {
      await Promise.all([engineList?.asked().then(manager.known) ?? manager.known(), built.ready()])
    },
  })
  return { inventory, ready: () => present().ready }
}

/** Makes containers that ask for it anew when their node fails, in every term of this manager. */
function reschedule(
  manager: Manager,
  creating: Omit<Creating, keyof Care>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Care {
  const { nodes, confirmLead } = creating
  const { inventory } = nodes
  let present: Rescheduler | undefined
  const leading = (): Rescheduler => {
    if (present === undefined) throw unavailable('NOT_LEADER', 'This manager does not lead any more; try again')
    return present
  }
  const keep: Care['keep'] = async record => leading().keep(record)
  const engineOf = (node: string): Engine => {
    const found = nodes.ready().find(({ name }) => name === node)
    if (found === undefined) throw unavailable('NODE_DOWN', `Node ${node} is not there`)
    return found.engine
  }
  const create: ReschedulerPorts['create'] = async ({ name, swarmId, request, platform }, onChosen, signal) => {
    const options = { name, swarmId, platform, onChosen }
    const { node, created } = await createContainer(request, options, { ...creating, keep, signal })
    return { node: node.name, id: created.Id }
  }
  manager.whileLeading(async term => {
    const rescheduler = new Rescheduler({ ...term, inventory, engineOf, confirmLead, create, clock, log })
    present = rescheduler
    try {
      await rescheduler.run(term.signal)
    } finally {
      if (present === rescheduler) present = undefined
    }
  })
  return {
    keep,
    noteNetwork: async (container, network, endpoint) => leading().noteNetwork(container, network, endpoint),
  }
}

/** What is made of a snapshot, made once for each. */
function lastOf<T>(snapshot: () => Snapshot, make: (snapshot: Snapshot) => T): () => T {
  let last: { readonly of: Snapshot; readonly made: T } | undefined
  return () => {
    const now = snapshot()
    if (last?.of !== now) last = { of: now, made: make(now) }
    return last.made
  }
}
