import { afterEach, beforeEach } from 'vitest'
import { conflict, notFound } from '../../../src/core/errors.ts'
import { KeyedLock } from '../../../src/core/keyed-lock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { RescheduledContainer } from '../../../src/core/model/rescheduled.ts'
import { seededRandom } from '../../../src/core/random.ts'
import type { ContainerCreateRequest, ContainerInspect, Engine } from '../../../src/docker-api/index.ts'
import { createContainer } from '../../../src/manager/docker/create/create-container.ts'
import { PlacementState } from '../../../src/manager/docker/create/placement-state.ts'
import type { ClusterNodes, NodeEngine } from '../../../src/manager/docker/nodes.ts'
import { ClusterInventory } from '../../../src/manager/inventory/index.ts'
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../src/manager/model/snapshot.ts'
import { FILTER_NAMES } from '../../../src/scheduler/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { memberRecord } from '../support.ts'

interface Made {
  readonly node: string
  readonly name: string
  readonly request: ContainerCreateRequest
}

/** What a test has of a manager that creates containers, and of what its nodes do. */
interface Lab {
  made: Made[]
  /** Creations wait here, so that several are under way at once. */
  hold: Promise<void>
  images: Record<string, string[]>
  names: readonly string[]
  /** What the nodes were asked about images: platforms of creations and pulls, in turn. */
  platforms: string[]
  confirmLead: () => Promise<void>
  keep: (record: RescheduledContainer) => Promise<void>
  removed: string[]
  /** How creations fail on nodes. */
  failures: Record<string, Error>
  /** Nodes that were asked to create, in turn. */
  asked: string[]
  /** What a node was asked to make last. */
  lastAsked: ContainerCreateRequest
  /** Volumes of projects: where their data is, if anything has used them. */
  volumes: Record<string, string | undefined>
  /** What was asked of nodes' volumes, and which were tied to nodes, in turn. */
  volumeCalls: string[]
  /** Of the client. */
  gone: AbortController
  cluster: Cluster | undefined
}

function fresh(): Lab {
  return {
    made: [],
    hold: Promise.resolve(),
    images: {},
    platforms: [],
    names: ['n1', 'n2', 'n3'],
    confirmLead: async () => {},
    keep: async () => {},
    removed: [],
    failures: {},
    asked: [],
    volumes: {},
    volumeCalls: [],
    lastAsked: {},
    gone: new AbortController(),
    cluster: undefined,
  }
}

export const lab: Lab = fresh()
const random = seededRandom(7)
beforeEach(() => void Object.assign(lab, fresh()))
afterEach(() => lab.cluster?.end.abort())

function engineOf(node: string): Engine {
  return stubEngine({
    containers: {
      list: async () => [],
      remove: async id => {
        lab.removed.push(id)
        lab.made = lab.made.filter(each => `${each.node}-${each.name}` !== id)
      },
      inspect: async id => {
        const found = lab.made.find(each => each.node === node && `${node}-${each.name}` === id)
        if (found === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${id}`)
        return inspectOf(id, found.request)
      },
      create: async (request, { name = '', platform }) => {
        lab.asked.push(node)
        lab.lastAsked = request
        await lab.hold
        if (lab.failures[node] !== undefined) throw lab.failures[node]
        if (platform !== undefined) lab.platforms.push(`create ${platform}`)
        if (platform !== undefined && lab.platforms.length === 1) {
          throw notFound('OTHER_PLATFORM', 'image with reference app was found but does not match')
        }
        lab.made.push({ node, name, request })
        return { Id: `${node}-${name}`, Warnings: [] }
      },
    },
    volumes: {
      create: async request => {
        lab.volumeCalls.push(`${node} create ${JSON.stringify(request)}`)
        return request as never
      },
    },
    images: {
      list: async () => (lab.images[node] ?? []).map(tag => ({ Id: 'sha256:1', RepoTags: [tag] }) as never),
      pull: async (_reference, options) => {
        lab.platforms.push(`pull ${options.platform}`)
        return 'sha256:1'
      },
    },
  })
}

function inspectOf(Id: string, request: ContainerCreateRequest): ContainerInspect {
  const { HostConfig } = request
  const [, ...name] = Id.split('-')
  const State = { Status: 'created' }
  return { Id, Name: `/${name.join('-')}`, Config: request, State, HostConfig } as unknown as ContainerInspect
}

export interface Cluster {
  readonly nodes: ClusterNodes
  readonly state: PlacementState
  readonly locks: KeyedLock
  readonly end: AbortController
  readonly clock: ManualClock
}

function makeCluster(): Cluster {
  const clock = new ManualClock()
  const members = new Map(lab.names.map(name => [name, memberRecord(name)]))
  const inventory = new ClusterInventory({
    clock,
    log: silentLog,
    engines: ({ name }) => engineOf(name),
    members: () => members,
    isKnown: () => true,
  })
  const end = new AbortController()
  void inventory.run(end.signal)
  const ready = (): NodeEngine[] =>
    [...members.values()].map(member => ({ name: member.name, member, engine: engineOf(member.name) }))
  const nodes = { ready, clock, inventory } as unknown as ClusterNodes
  const stored = [...members].map(([key, value]) => [key, { key, value, createRevision: 1, modRevision: 1 }] as const)
  const snapshot = { ...EMPTY_SNAPSHOT, members: new Map(stored) }
  const state = new PlacementState({ snapshot: () => snapshot, inventory, overcommit: 0 })
  return { nodes, state, locks: new KeyedLock(), end, clock }
}

function volumeRecords(): Snapshot['volumes'] {
  const records = Object.entries(lab.volumes).map(([name, node]) => {
    const driverOptions = { type: 'nfs' }
    const value = {
      name,
      project: 'shop',
      ...(node === undefined ? {} : { node }),
      driver: 'local',
      driverOptions,
      labels: {},
    }
    return [name, { key: name, value, createRevision: 1, modRevision: 1 }] as const
  })
  return new Map(records)
}

/** `docker create` through the manager. */
export function create(
  name: string | undefined,
  request: Partial<ContainerCreateRequest> = {},
  platform?: string,
): Promise<unknown> {
  lab.cluster ??= makeCluster()
  const { signal } = lab.gone
  const ports = {
    ...lab.cluster,
    random,
    strategy: { name: 'spread' as const },
    filters: FILTER_NAMES,
    confirmLead: lab.confirmLead,
    keep: lab.keep,
    signal,
    volumes: volumeRecords,
    pinVolumes: async (names: readonly string[], node: string) => {
      lab.volumeCalls.push(`pin ${names.join(',')} to ${node}`)
      for (const name of names) {
        const known = lab.volumes[name]
        if (known !== undefined && known !== node)
          throw conflict('VOLUME_ELSEWHERE', `Volume ${name} is on node ${known}`)
        lab.volumes[name] = node
      }
    },
  }
  return createContainer({ Image: 'app', ...request }, { name, platform }, ports)
}
