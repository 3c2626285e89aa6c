import { afterEach, beforeEach } from 'vitest'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import type { MemberRecord, NetworkRecord, NodeRecord } from '../../../src/core/model/node.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { Scope } from '../../../src/core/scope.ts'
import { createMemoryStore, type Store } from '../../../src/discovery/index.ts'
import { clientTlsOf, createDockerClient, type Engine } from '../../../src/docker-api/index.ts'
import { createDockerServer, type ServerTls } from '../../../src/docker-api/server/index.ts'
import { createManagerServer, type Manager, type TrustRoutePorts } from '../../../src/manager/index.ts'
import { EMPTY_SNAPSHOT, type Stored } from '../../../src/manager/model/snapshot.ts'
import type { Standalone } from '../../../src/manager/model/standalone.ts'
import { FILTER_NAMES } from '../../../src/scheduler/index.ts'
import { keys, memberRecord } from '../support.ts'

/** What a test has of a cluster: nodes with engines of its own making, and managers before them. */
export const lab: {
  scope: Scope
  members: MemberRecord[]
  /** Nodes of the cluster that hold no lease now. */
  away: MemberRecord[]
  leads: boolean
  /** The manager that this one took for the leader leads no more, and nobody else does. */
  isDeposed: boolean
  networks: Map<string, NetworkRecord>
  /** Shared by all managers of a test. */
  store: Store
  /** Until it resolves, the manager has not read the store. */
  known: Promise<void>
  /** What the front has tasks placed beside. */
  standalone: Standalone | undefined
  /** Of the manager, and of its side of what it asks nodes. */
  clock: Clock
  overcommit: number
} = {
  scope: new Scope(),
  members: [],
  away: [],
  leads: true,
  isDeposed: false,
  networks: new Map(),
  store: createMemoryStore({ clock: systemClock }),
  known: Promise.resolve(),
  standalone: undefined,
  clock: systemClock,
  overcommit: 0,
}

beforeEach(() => {
  const known = Promise.resolve()
  const [clock, networks] = [systemClock, new Map()]
  const store = createMemoryStore({ clock })
  Object.assign(lab, {
    scope: new Scope(),
    members: [],
    away: [],
    leads: true,
    isDeposed: false,
    networks,
    known,
    store,
    clock,
    overcommit: 0,
  })
})
afterEach(() => lab.scope[Symbol.asyncDispose]())

export async function addNode(name: string, engine: Engine, more: Partial<MemberRecord> = {}): Promise<void> {
  const server = await createDockerServer({ engine, log: silentLog })
  lab.scope.defer(() => server.close())
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'] })
  lab.members.push(memberRecord(name, { apiAddress: host.replace('tcp://', ''), ...more }))
}

function stored<T extends { readonly name: string }>(values: readonly T[]): ReadonlyMap<string, Stored<T>> {
  return new Map(
    values.map((value, index) => [value.name, { key: value.name, value, createRevision: index, modRevision: index }]),
  )
}

function nodeRecord(lastSeen: MemberRecord): NodeRecord {
  return { name: lastSeen.name, memberId: lastSeen.id, labels: {}, availability: 'active', lastSeen }
}

interface FrontOptions {
  readonly leader?: string
  readonly tls?: ServerTls
  readonly trust?: TrustRoutePorts
}

export async function startFront({ leader, tls, trust }: FrontOptions = {}): Promise<number> {
  const clients = new Map<string, ReturnType<typeof createDockerClient>>()
  const engines = ({ apiAddress }: MemberRecord): Engine => {
    const client = clients.get(apiAddress) ?? createDockerClient(`tcp://${apiAddress}`, { clock: lab.clock })
    clients.set(apiAddress, client)
    return client
  }
  lab.scope.defer(() => {
    for (const client of clients.values()) client.close()
  })
  const snapshot = () => ({
    ...EMPTY_SNAPSHOT,
    members: stored(lab.members),
    nodes: stored([...lab.members, ...lab.away].map(nodeRecord)),
    networks: stored([...lab.networks.values()]),
  })
  const isLeader = leader === undefined && lab.leads
  let isKnown = false
  const manager: Manager = {
    run: () => Promise.resolve(),
    snapshot,
    known: () => lab.known.then(() => void (isKnown = true)),
    isKnown: () => isKnown,
    staleMs: () => 0,
    isLeader: () => isLeader,
    confirmLead: async () => {},
    whileLeading: () => {},
    placeBeside: standalone => void (lab.standalone = standalone),
    leader: () => (lab.isDeposed ? undefined : { id: 'm', address: leader ?? '', sinceMs: 0 }),
    apply: project => Promise.resolve({ project: project.name, changed: true, steps: [] }),
    remove: project => Promise.resolve({ project, changed: true, steps: [] }),
    updateNode: () => Promise.resolve(),
    rebalance: () => Promise.resolve({ moves: [] }),
    removeNode: node => Promise.resolve({ node, volumes: [] }),
    createNetwork: async wish => {
      const { name, internal, labels, subnet = '10.9.9.0/24' } = wish
      const value = { name, project: '', vni: 4096 + lab.networks.size, subnet, internal, labels, createdAtMs: 0 }
      lab.networks.set(name, value)
      return value
    },
    removeNetwork: async name => void lab.networks.delete(name),
    pinVolumes: async () => {},
  }
  const own = tls && clientTlsOf(tls)
  const server = await createManagerServer(
    {
      name: 'm',
      version: '1',
      kernel: '6',
      strategy: 'spread',
      filters: FILTER_NAMES,
      overcommit: lab.overcommit,
    },
    {
      manager,
      engines,
      store: lab.store,
      keys,
      clock: lab.clock,
      random: seededRandom(1),
      log: silentLog,
      ...(own === undefined ? {} : { leaderTls: own, tlsOf: ({ apiTls }) => (apiTls === true ? own : undefined) }),
      ...(trust === undefined ? {} : { trust }),
    },
  )
  lab.scope.defer(() => server.close())
  const [host = ''] = await server.listen({ hosts: ['tcp://127.0.0.1:0'], ...(tls === undefined ? {} : { tls }) })
  return Number(host.replace(/.*:/, ''))
}

export const get = async (port: number, path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, type: response.headers.get('content-type'), body: (await response.json()) as never }
}

/** Any request, with a body of JSON; the answer's body is JSON if there is one. */
export const send = async (port: number, method: string, path: string, body?: object) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as never }
}
