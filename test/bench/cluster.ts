import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { until } from '../../scripts/lib/command.ts'
import { LocalCluster } from '../../scripts/lib/local-cluster.ts'
import { type BenchRow, percentile } from './report.ts'

const FILE = resolve('examples/visits/compose.yaml')
const NO_OP_SAMPLES = 10
const FAILOVERS = 4
const IDLE_MS = 20_000
const TICKS_PER_SECOND = 100

interface Task {
  readonly service: string
  readonly state: string
  readonly health: string
  readonly node?: string
}

/** What a user of a cluster waits for, on three hosts of this machine with the example running. */
export async function run(): Promise<BenchRow[]> {
  const cluster = new LocalCluster({
    directory: mkdtempSync(join(tmpdir(), 'shoal-bench-')),
    imagesDirectory: '/var/lib/shoal-demo-images',
    bridge: 'sh-bench',
    subnet: '10.216.0',
    nodes: { n1: { disk: 'ssd' }, n2: { disk: 'hdd' }, n3: { disk: 'hdd' } },
  })
  try {
    await cluster.start()
    const up = (): Promise<string> => cluster.run('compose', ['-f', FILE, 'up', '-d', '--wait'])
    const first = await timed(up)
    const again: number[] = []
    for (let round = 0; round < NO_OP_SAMPLES; round++) again.push(await timed(up))
    const idle = await idleAgent(cluster)
    const failovers: number[] = []
    for (let round = 0; round < FAILOVERS; round++) failovers.push(await failover(cluster))
    return [
      {
        name: 'compose up -d --wait, 6 replicas of 4 services, images not on the hosts',
        value: first / 1_000,
        unit: 's',
      },
      {
        name: 'compose up again, nothing changed, p50',
        value: percentile(again, 0.5),
        unit: 'ms',
        budget: '<= 300 ms',
      },
      {
        name: 'host dead to its API healthy elsewhere, slowest of 4',
        value: Math.max(...failovers) / 1_000,
        unit: 's',
        budget: '<= 15 s',
      },
      {
        name: 'agent with 2 containers, resident memory',
        value: idle.residentMib,
        unit: 'MiB',
        budget: '<= 80 MB idle',
      },
      { name: 'agent with 2 containers, share of a core', value: idle.corePercent, unit: '%', budget: '<= 0.5 % idle' },
    ]
  } finally {
    await cluster.remove()
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

/** Kills the host that runs the API and waits until the API is healthy on another; then brings the host back. */
async function failover(cluster: LocalCluster): Promise<number> {
  const api = async (): Promise<Task | undefined> => {
    const tasks = (await cluster.call('GET', '/v1/projects/visits/tasks')) as Task[]
    return tasks.find(({ service, state, health }) => service === 'api' && state === 'running' && health === 'healthy')
  }
  const lost = (await until('the API to be healthy', api)).node ?? ''
  const took = await timed(async () => {
    await cluster.hosts.kill(lost)
    await until('the API elsewhere', async () => ((await api())?.node === lost ? undefined : api()), {
      timeoutMs: 60_000,
      everyMs: 50,
    })
  })
  await cluster.startNode(lost)
  await cluster.nodesReady()
  return took
}

async function idleAgent(cluster: LocalCluster): Promise<{ residentMib: number; corePercent: number }> {
  const pid = cluster.agentPid('n2')
  if (pid === undefined) throw new Error('there is no agent on n2')
  const ticks = (): number => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  }
  const before = ticks()
  await new Promise(done => setTimeout(done, IDLE_MS))
  const corePercent = ((ticks() - before) / TICKS_PER_SECOND / (IDLE_MS / 1_000)) * 100
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { residentMib: Number(resident) / 1024, corePercent }
}
