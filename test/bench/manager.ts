import { times } from './engine/client.ts'
import { FrontClient } from './manager/front-client.ts'
import { MeasuredCluster, type Membership } from './manager/measured-cluster.ts'
import { type BenchRow, percentile } from './report.ts'

const CONTAINERS_A_NODE = 30
/** `BENCH_NODES=100,5000`: others. */
const SIZES = (process.env['BENCH_NODES'] ?? '100,300,1000,5000').split(',').map(Number)
/** `BENCH_MEMBERS=list`: the nodes are listed by hand, as stock Docker Engines are. */
const MEMBERSHIP: Membership = process.env['BENCH_MEMBERS'] === 'list' ? 'list' : 'leases'
const CONCURRENCIES = [1, 8, 16, 64] as const
const LIST = '/v1.41/containers/json?all=1'
/** Long answers at once would measure the memory of this machine, and many of them its patience. */
const LISTED_BYTES_MAX = 2 ** 32
const SENT_BYTES_MAX = 2 ** 33
const BYTES_A_LINE = 700
const LISTS = 40
const CREATES = 2_000
/** At rest is who has worked for less than this share of so long. */
const CALM_SHARE = 0.05
const CALM_MS = 5_000
const CALM_MS_MAX = 300_000
const REST_MS = 20_000
const SYNC_MS_MAX = 300_000

interface Budgets {
  readonly list?: string
  readonly run?: Readonly<Record<number, string>>
  readonly sync?: string
  readonly idle?: string
  readonly memory?: string
}

/** Of design.md; those of classic Swarm on this machine stand beside them. */
const BUDGETS: Readonly<Record<number, Budgets>> = {
  300: { memory: '<= 250 MB' },
  1000: {
    list: 'p50 <= 60 ms (classic Swarm: 180 ms)',
    run: { 1: 'p50 <= 10 ms, p99 <= 40 ms (classic Swarm: 59/119 ms)', 16: '>= 500/s (classic Swarm: 14/s)' },
    sync: '<= 5 s',
    idle: '<= 1 %',
  },
}

/** A manager over simulated nodes that speak HTTP: what `docker ps` and `docker run` wait for, and what it takes. */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const nodes of SIZES) rows.push(...(await measure(nodes)))
  return [...rows, ...growth(rows)]
}

/** How many times more everything is in the largest cluster than in the smallest. */
function growth(rows: readonly BenchRow[]): BenchRow[] {
  const [least, most] = [Math.min(...SIZES), Math.max(...SIZES)]
  if (least === most) return []
  const few = new Map(valuesAt(rows, least))
  return valuesAt(rows, most).flatMap(([what, value]) => {
    const before = few.get(what) ?? 0
    return before > 0 ? [row(`from ${least} to ${most} nodes${what}`, value / before, 'times')] : []
  })
}

function valuesAt(rows: readonly BenchRow[], nodes: number): (readonly [string, number])[] {
  const where = whereOf(nodes)
  return rows.flatMap(({ name, value }) => (name.startsWith(where) ? [[name.slice(where.length), value] as const] : []))
}

function whereOf(nodes: number): string {
  return `${nodes} nodes, ${nodes * CONTAINERS_A_NODE} containers`
}

interface Place {
  readonly cluster: MeasuredCluster
  readonly client: FrontClient
  /** What rows begin with. */
  readonly where: string
  readonly budgets: Budgets
  readonly containers: number
}

async function measure(nodes: number): Promise<BenchRow[]> {
  const budgets = BUDGETS[nodes] ?? {}
  const containers = nodes * CONTAINERS_A_NODE
  const where = whereOf(nodes)
  const cluster = new MeasuredCluster()
  try {
    await cluster.start(nodes, CONTAINERS_A_NODE, MEMBERSHIP)
    const client = new FrontClient(cluster.port)
    const place: Place = { cluster, client, where, budgets, containers }
    const syncedMs = await untilListed(place)
    const rows = [row(`${where}: first sync, from the start of the program`, syncedMs / 1_000, 's', budgets.sync)]
    rows.push(...(await rest(place)))
    for (const concurrency of CONCURRENCIES) rows.push(...(await lists(place, concurrency)))
    for (const concurrency of CONCURRENCIES) rows.push(...(await runs(place, concurrency)))
    rows.push(row(`${where}: manager after all of it, resident memory`, cluster.residentMib(), 'MiB'))
    client.close()
    return rows
  } finally {
    await cluster.stop()
  }
}

async function rest({ cluster, where, budgets }: Place): Promise<BenchRow[]> {
  await untilCalm(cluster)
  const before = await cluster.usage()
  await new Promise(done => setTimeout(done, REST_MS))
  const after = await cluster.usage()
  const each = (key: keyof typeof before, per: number): number => (after[key] - before[key]) / per
  const seconds = REST_MS / 1_000
  return [
    row(`${where}: manager at rest, share of a core`, each('cpuMs', REST_MS) * 100, '%', budgets.idle),
    row(`${where}: manager at rest, resident memory`, cluster.residentMib(), 'MiB', budgets.memory),
    row(`${where}: manager at rest, to and from the store`, each('storeBytes', seconds * 1_024), 'KiB a second'),
    row(`${where}: manager at rest, to and from all nodes`, each('nodeBytes', seconds * 1_024), 'KiB a second'),
  ]
}

/** Beside a server that has nothing to do but to send as many bytes. */
async function lists({ client, cluster, where, budgets, containers }: Place, concurrency: number): Promise<BenchRow[]> {
  if (containers * BYTES_A_LINE * concurrency > LISTED_BYTES_MAX) return []
  const most = Math.ceil(SENT_BYTES_MAX / (containers * BYTES_A_LINE))
  const count = Math.max(concurrency, Math.min(LISTS * Math.min(concurrency, 8), most))
  let bytes = 0
  const { cpuMs } = await cluster.usage()
  const samples = await times(count, concurrency, () => client.timed(LIST, size => void (bytes += size)))
  const cpuMsEach = ((await cluster.usage()).cpuMs - cpuMs) / count
  const bare = new FrontClient(await cluster.bareServer(Math.round(bytes / count)))
  const least = await times(count, concurrency, () => bare.timed('/'))
  const what = `${where}: docker ps, ${concurrency} at a time`
  const each = (share: number): Omit<BenchRow, 'name'> => ({
    value: percentile(samples, share),
    unit: 'ms',
    peer: { name: 'bare server', value: percentile(least, share) },
  })
  return [
    { name: `${what}, p50`, ...each(0.5), ...(concurrency === 1 && budgets.list ? { budget: budgets.list } : {}) },
    { name: `${what}, p99`, ...each(0.99) },
    row(`${what}, the manager's CPU time for each`, cpuMsEach, 'ms'),
  ]
}

/** Creates and starts, as `docker run` does. */
async function runs({ client, cluster, where, budgets }: Place, concurrency: number): Promise<BenchRow[]> {
  const { cpuMs } = await cluster.usage()
  const from = performance.now()
  const samples = await times(CREATES, concurrency, async () => {
    const began = performance.now()
    const { Id } = (await client.call('POST', '/v1.41/containers/create', { Image: 'app:1', Cmd: ['x'] })) as {
      Id: string
    }
    await client.call('POST', `/v1.41/containers/${Id}/start`)
    return performance.now() - began
  })
  const rate = (CREATES / (performance.now() - from)) * 1_000
  const cpuMsEach = ((await cluster.usage()).cpuMs - cpuMs) / CREATES
  const what = `${where}: docker run, ${concurrency} at a time`
  return [
    row(`${what}, create and start, p50`, percentile(samples, 0.5), 'ms', budgets.run?.[concurrency]),
    row(`${what}, create and start, p99`, percentile(samples, 0.99), 'ms'),
    row(`${what}, rate`, rate, '/s'),
    row(`${what}, the manager's CPU time for each`, cpuMsEach, 'ms'),
  ]
}

function row(name: string, value: number, unit: string, budget?: string): BenchRow {
  return { name, value, unit, ...(budget === undefined ? {} : { budget }) }
}

/** What has been begun is done, and what that has cost is given back. */
async function untilCalm(cluster: MeasuredCluster): Promise<void> {
  for (let waitedMs = 0; waitedMs < CALM_MS_MAX; waitedMs += CALM_MS) {
    const { cpuMs } = await cluster.usage()
    await new Promise(done => setTimeout(done, CALM_MS))
    if ((await cluster.usage()).cpuMs - cpuMs < CALM_MS * CALM_SHARE) return
  }
}

/** Resolves with how long after the manager's start it shows all containers, in milliseconds. */
async function untilListed({ client, cluster, where, containers }: Place): Promise<number> {
  while (performance.now() - cluster.startedAtMs < SYNC_MS_MAX) {
    try {
      const { Containers } = (await client.call('GET', '/v1.41/info')) as { readonly Containers: number }
      if (Containers >= containers) return performance.now() - cluster.startedAtMs
    } catch {
      // It does not listen yet.
    }
    await new Promise(done => setTimeout(done, 100))
  }
  throw new Error(`${where}: not all are listed ${SYNC_MS_MAX / 1_000} s after the manager was started`)
}
