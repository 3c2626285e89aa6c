import { type Clock, sleep, withDeadline } from '../core/clock.ts'
import { errorMessage, unavailable } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { MemberRecord } from '../core/model/node.ts'
import type { Random } from '../core/random.ts'
import type { Scope } from '../core/scope.ts'
import {
  type ClusterKeys,
  clusterKeys,
  createMemoryStore,
  createNodeSource,
  type Discovery,
  memberCodec,
  type Store,
} from '../discovery/index.ts'
import { type ClientTls, createDockerClient, type SystemInfo } from '../docker-api/index.ts'
import type { EnginePolling } from './classic-flags.ts'

interface Ports {
  readonly polling: EnginePolling
  /** For managers that were given certificates: then every engine of the list must speak TLS. */
  readonly tls: ClientTls | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** An engine that hangs must not hold up news of the others. */
const ANSWER_MS = 4_000

/**
 * A cluster of stock Docker Engines that are listed by hand: they register nowhere, so the manager does it for them, in a
 * store of its own in memory. There are no agents, so containers can be run but no services.
 */
export async function openEngineList(
  discovery: Exclude<Discovery, { scheme: 'etcd' }>,
  ports: Ports,
  scope: Scope,
): Promise<{ store: Store; keys: ClusterKeys }> {
  const { clock, log, random, polling } = ports
  const store = await scope.open(
    () => createMemoryStore({ clock }),
    opened => opened.close(),
  )
  const keys = clusterKeys('engines')
  const source = createNodeSource(discovery, { clock, log, pollMs: polling.fileMs })
  let addresses = await source.list()
  const { signal } = scope
  const follow = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!signal.aborted) log.error({ error: errorMessage(error) }, 'cannot follow the list of engines')
    }
  }
  void follow(async () => {
    for await (const next of source.watch(signal)) addresses = next
  })
  void follow(async () => {
    while (!signal.aborted) {
      try {
        await register(addresses, store, keys, ports)
      } catch (error) {
        log.error({ error: errorMessage(error) }, 'cannot note which engines answer, will try again')
      }
      await sleep(clock, polling.minMs + random.next() * (polling.maxMs - polling.minMs), signal)
    }
  })
  return { store, keys }
}

/** Writes a member for each engine that answers, and removes those that do not, or are no longer listed. */
async function register(addresses: readonly string[], store: Store, keys: ClusterKeys, ports: Ports): Promise<void> {
  const { items } = await store.list(keys.members)
  const before = new Map(items.map(item => [item.key, item.value]))
  const present = new Map<string, string>()
  const answers = await Promise.all(addresses.map(address => describe(address, ports)))
  for (const member of answers) {
    if (member === undefined) continue
    const key = keys.member(member.name)
    const { name, apiAddress } = member
    // Of two hosts with one name the first in the list is the node, so that it does not change between rounds.
    if (present.has(key)) ports.log.warn({ name, apiAddress }, 'another engine has this host name: give one another')
    else present.set(key, memberCodec.encode(member))
  }
  const puts = [...present].filter(([key, value]) => before.get(key) !== value)
  const gone = [...before.keys()].filter(key => !present.has(key))
  const operations = [...puts.map(([put, value]) => ({ put, value })), ...gone.map(key => ({ delete: key }))]
  for (let start = 0; start < operations.length; start += 100) await store.txn([], operations.slice(start, start + 100))
}

async function describe(address: string, { clock, log, tls }: Ports): Promise<MemberRecord | undefined> {
  const client = createDockerClient(`tcp://${address}`, { clock, tls })
  try {
    const onTimeout = (): Error => unavailable('ENGINE_SILENT', `The engine at ${address} does not answer`)
    const info = await withDeadline(() => client.info(), ANSWER_MS, { clock, onTimeout })
    return { ...memberOf(address, info), ...(tls === undefined ? {} : { apiTls: true }) }
  } catch (error) {
    log.debug({ address, error: errorMessage(error) }, 'an engine does not answer')
    return undefined
  } finally {
    client.close()
  }
}

function memberOf(address: string, info: SystemInfo): MemberRecord {
  const labels = info.Labels.flatMap(text => {
    const equals = text.indexOf('=')
    return equals < 0 ? [] : [[text.slice(0, equals), text.slice(equals + 1)] as const]
  })
  return {
    name: info.Name,
    id: info.ID,
    apiAddress: address,
    address: address.replace(/:\d+$/, ''),
    nanoCpus: info.NCPU * 1e9,
    memoryBytes: info.MemTotal,
    platform: {
      os: info.OSType,
      arch: info.Architecture,
      kernel: info.KernelVersion,
      operatingSystem: info.OperatingSystem,
    },
    engineVersion: info.ServerVersion,
    storageDriver: info.Driver,
    labels: Object.fromEntries(labels),
    bootId: '',
    epoch: 1,
    startedAtMs: 0,
  }
}
