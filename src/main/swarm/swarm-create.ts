import {
  badFlag,
  type CommandContext,
  type Invocation,
  type RunCommand,
  readDiscoveryOptions,
  readDuration,
  readLogLevel,
} from '../../cli/index.ts'
import type { Clock } from '../../core/clock.ts'
import { withDeadline } from '../../core/clock.ts'
import { conflict, failed, invalidInput } from '../../core/errors.ts'
import { newHexId, type Random } from '../../core/random.ts'
import { clusterKeys, createCluster, createEtcdStore, type Discovery, parseDiscovery } from '../../discovery/index.ts'
import { CERTIFICATE_LIFE_MS } from '../../trust/index.ts'
import { DATA_ROOT } from '../daemon/daemon-flags.ts'
import { readStoreTls } from '../store-tls.ts'
import { createLocalAuthority } from '../trust/local-authority.ts'

const TIMEOUT_MS = 10_000
/** Shorter ones would be renewed all the time. */
const LIFE_MS_MIN = 30_000

/**
 * `swarm create [etcd://…]`: makes the cluster in the store and prints its id. Without a store it prints a name that no other
 * cluster has, as the hosted service of classic Swarm did.
 */
export const runCreate: RunCommand = async (invocation, { stdout, stderr, random, clock, env }) => {
  readLogLevel(invocation, { env })
  const { args, command, options } = invocation
  if (args.length > 1) throw badFlag(`the \`create\` command takes one argument at most. See '${command} --help'.`)
  if (options.flag('trust')) return createTrusted(invocation, { stdout, stderr, random, clock })
  const url = args[0] ?? (env['SWARM_DISCOVERY'] || undefined)
  if (url === undefined) {
    const name = newHexId(random).slice(0, 32)
    stdout.write(`${name}\n`)
    stderr.write(`Use it as the path of the discovery URL:\n${nextSteps(`etcd://<ip>:2379/${name}`)}`)
    return
  }
  const { cluster, timeoutMs } = readTarget(url, invocation)
  const shown = `etcd://${cluster.endpoints.join(',')}/${cluster.cluster}`
  if (options.flag('dryRun')) {
    stderr.write(`Would make the cluster ${cluster.cluster} in etcd://${cluster.endpoints.join(',')}\n`)
    return
  }
  const tls = readStoreTls(readDiscoveryOptions(invocation))
  const id = await create(cluster, { clock, random, timeoutMs, tls })
  stdout.write(`${id}\n`)
  stderr.write(`The cluster is made. Now, on the hosts:\n${nextSteps(shown)}`)
}

/** Makes the authority of a cluster whose store its first manager will start. */
async function createTrusted(
  invocation: Invocation,
  { stdout, stderr, random, clock }: Pick<CommandContext, 'stdout' | 'stderr' | 'random' | 'clock'>,
): Promise<void> {
  const { args, options } = invocation
  if (args.length > 0) {
    throw badFlag('--trust makes the certificates of a cluster before there is a store: leave the discovery URL out')
  }
  const dataRoot = options.text('dataRoot') ?? DATA_ROOT
  const certificateLifeMs = readDuration(invocation, 'certificate-life', CERTIFICATE_LIFE_MS)
  if (certificateLifeMs < LIFE_MS_MIN) throw badFlag('--certificate-life should be at least 30s')
  if (options.flag('dryRun')) {
    stderr.write(`Would make a cluster with its own certificates in ${dataRoot}\n`)
    return
  }
  const id = await createLocalAuthority({ dataRoot, certificateLifeMs }, { clock, random })
  stdout.write(`${id}\n`)
  stderr.write(`The cluster is made. Now, here and then on the hosts:
  swarm manage --data-root ${dataRoot} --advertise <ip>:3376 --etcd-listen <ip>:2379
  swarm token create
  swarm join --token <token> --manager <ip>:3376 --advertise <ip>:2376
`)
}

type StoreDiscovery = Extract<Discovery, { scheme: 'etcd' }>

function readTarget(url: string, invocation: Invocation): { cluster: StoreDiscovery; timeoutMs: number } {
  const cluster = parseDiscovery(url)
  if (cluster.scheme !== 'etcd') {
    throw invalidInput(
      'BAD_DISCOVERY',
      `Cannot make a cluster in ${cluster.scheme}://: a fixed list needs none, give it to swarm manage; or use etcd://host:port/cluster`,
    )
  }
  const timeoutMs = readDuration(invocation, 'timeout', TIMEOUT_MS)
  if (timeoutMs <= 0) throw badFlag('--timeout should be a positive number')
  return { cluster, timeoutMs }
}

interface CreatePorts {
  readonly clock: Clock
  readonly random: Random
  readonly timeoutMs: number
  readonly tls: ReturnType<typeof readStoreTls>
}

async function create({ endpoints, cluster }: StoreDiscovery, ports: CreatePorts): Promise<string> {
  const { clock, timeoutMs, tls } = ports
  const store = createEtcdStore({ endpoints, clock, callTimeoutMs: timeoutMs, ...(tls === undefined ? {} : { tls }) })
  try {
    const { meta, created } = await withDeadline(() => createCluster(store, clusterKeys(cluster), ports), timeoutMs, {
      clock,
      onTimeout: () => failed('TIMED_OUT', 'Timed out'),
    })
    if (created) return meta.clusterId
    throw conflict(
      'CLUSTER_EXISTS',
      `There is a cluster at etcd://${endpoints.join(',')}/${cluster} already, ${meta.clusterId}: join it, or give another name as the path`,
      { details: { refused: true } },
    )
  } finally {
    await store.close()
  }
}

function nextSteps(url: string): string {
  const serve = (port: number): string => `-H tcp://<ip>:${port} --advertise <ip>:${port} --insecure`
  return `  swarm manage ${serve(3_375)} ${url}
  swarm join ${serve(2_375)} ${url}
--insecure: anyone who reaches these ports is root on the hosts. Else give --tlsverify --tlscacert, --tlscert and --tlskey.
`
}
