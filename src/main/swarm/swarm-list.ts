import {
  badFlag,
  type RunCommand,
  readDiscovery,
  readDiscoveryOptions,
  readDuration,
  readLogLevel,
} from '../../cli/index.ts'
import type { Clock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import {
  clusterKeys,
  createEtcdStore,
  createNodeSource,
  type Discovery,
  listMembers,
  parseDiscovery,
} from '../../discovery/index.ts'
import { readStoreTls } from '../store-tls.ts'

const TIMEOUT_MS = 10_000

/** `swarm list`: the address of every node, one a line, as classic Swarm prints them. */
export const runList: RunCommand = async (invocation, context) => {
  readLogLevel(invocation, context)
  const timeoutMs = readDuration(invocation, 'timeout', TIMEOUT_MS)
  if (timeoutMs <= 0) throw badFlag('--timeout should be a positive number')
  const tls = readStoreTls(readDiscoveryOptions(invocation))
  const discovery = parseDiscovery(readDiscovery(invocation, context, 'list a cluster'))
  const addresses = await list(discovery, { clock: context.clock, timeoutMs, tls })
  for (const address of addresses) context.stdout.write(`${address}\n`)
}

async function list(
  discovery: Discovery,
  { clock, timeoutMs, tls }: { clock: Clock; timeoutMs: number; tls: ReturnType<typeof readStoreTls> },
): Promise<readonly string[]> {
  if (discovery.scheme !== 'etcd') return createNodeSource(discovery, { clock, log: silentLog }).list()
  const { endpoints, cluster } = discovery
  const store = createEtcdStore({ endpoints, clock, callTimeoutMs: timeoutMs, ...(tls === undefined ? {} : { tls }) })
  try {
    const members = await listMembers(store, clusterKeys(cluster), { clock, timeoutMs })
    return members.map(member => member.apiAddress)
  } finally {
    await store.close()
  }
}
