import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchRow, percentile } from '../report.ts'
import type { MachineLab } from './lab.ts'
import { repeat, timed } from './repeat.ts'

const RUNS = 10
const JOINS = 3
const TRUE = ['true']

/** Clusters with certificates and without, each with its master and the hosts that join it. */
const CLUSTERS = [
  { master: 'm1', workers: ['w1', 'w2', 'w3'], flags: [], how: 'with certificates' },
  { master: 'i1', workers: ['v1', 'v2', 'v3'], flags: ['--insecure'], how: 'without certificates' },
] as const

/** What a person waits for who has one host prepared. A bare `ssh HOST true` is the floor of each command on the host. */
export async function measureOneHost(lab: MachineLab): Promise<readonly BenchRow[]> {
  await lab.start('c1')
  // Packs the program, once for all hosts.
  await lab.machine(['create', '--until', 'engine', ...lab.flagsFor('c1'), 'c1'])
  return [
    ...(await measureCreate(lab)),
    ...(await measureAgain(lab)),
    ...(await measureRefused(lab)),
    ...(await measureClusters(lab)),
  ]
}

async function measureCreate(lab: MachineLab): Promise<readonly BenchRow[]> {
  await lab.start('c2')
  const archive = archiveOf(lab)
  const [, ...rest] = lab.sshWords('c2')
  const copy = ['scp', ...rest.slice(0, -1), archive, `${rest.at(-1)}:/tmp/archive`]
  const copies = await repeat(JOINS, () => lab.time(copy))
  const { ms } = await lab.machine(['create', ...lab.flagsFor('c2'), 'c2'])
  return [
    {
      name: 'machine create of a host that has the packages, until its engine answers',
      value: ms / 1_000,
      unit: 's',
      peer: { name: 'scp of the archive alone', value: percentile(copies, 0.5) / 1_000 },
    },
  ]
}

async function measureAgain(lab: MachineLab): Promise<readonly BenchRow[]> {
  const again = (): Promise<unknown> => lab.machine(['provision', 'c2'])
  const { commands, connections } = await lab.visits('c2', again)
  const ours: number[] = []
  const floor: number[] = []
  for (let run = 0; run < RUNS; run++) {
    ours.push(await timed(again))
    floor.push(await timed(() => repeat(commands, () => lab.time([...lab.sshWords('c2'), ...TRUE]))))
  }
  return [
    {
      name: 'machine provision again, nothing to do, p50',
      value: percentile(ours, 0.5),
      unit: 'ms',
      budget: '<= 1500 ms',
      peer: { name: `ssh HOST true, ${commands} times`, value: percentile(floor, 0.5) },
    },
    { name: 'its commands on the host', value: commands, unit: '', budget: '<= 3' },
    { name: 'its connections to the host', value: connections, unit: '', budget: '1' },
  ]
}

/** Ends that nobody should wait for. */
async function measureRefused(lab: MachineLab): Promise<readonly BenchRow[]> {
  const strange = { isStrange: true }
  const wrongKey = (): Promise<unknown> => lab.machine(['create', ...lab.flagsFor('c2', strange), 'c2'], 12)
  const { connections } = await lab.visits('c2', wrongKey)
  const closed = ['create', ...lab.flagsFor('c2'), '--generic-ssh-port', '23', 'c2']
  const bare = lab.sshWords('c2', strange)
  const atClosed = [...lab.sshWords('c2').slice(0, -1), '-p', '23', ...lab.sshWords('c2').slice(-1), ...TRUE]
  return [
    {
      name: 'a key that lets nobody in, until that is told, p50',
      value: percentile(await repeat(RUNS, () => timed(wrongKey)), 0.5),
      unit: 'ms',
      budget: '<= 3000 ms',
      peer: { name: 'ssh', value: percentile(await repeat(RUNS, () => lab.time([...bare, ...TRUE], 255)), 0.5) },
    },
    { name: 'its connections to the host', value: connections, unit: '', budget: '1' },
    {
      name: 'a port where nobody listens, until that is told, p50',
      value: percentile(await repeat(RUNS, () => timed(() => lab.machine(closed, 10))), 0.5),
      unit: 'ms',
      peer: { name: 'ssh', value: percentile(await repeat(RUNS, () => lab.time(atClosed, 255)), 0.5) },
    },
  ]
}

async function measureClusters(lab: MachineLab): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = []
  for (const { master, workers, flags, how } of CLUSTERS) {
    for (const name of [master, ...workers]) await lab.start(name)
    const swarm = ['--swarm', '--swarm-discovery', `machine://${master}`, ...flags]
    await lab.machine(['create', ...lab.flagsFor(master), ...swarm, '--swarm-master', master])
    const joins: number[] = []
    const floors: number[] = []
    for (const name of workers) {
      const create = ['create', ...lab.flagsFor(name), ...swarm]
      await lab.machine([...create, '--until', 'engine', name])
      const { commands } = await lab.visits(name, async () => {
        joins.push(await timed(() => lab.machine([...create, name])))
      })
      floors.push(await timed(() => repeat(commands, () => lab.time([...lab.sshWords(name), ...TRUE]))))
    }
    rows.push({
      name: `machine create of a host that has packages and program, until its node is ready, ${how}, p50`,
      value: percentile(joins, 0.5) / 1_000,
      unit: 's',
      budget: '<= 5 s',
      peer: { name: 'ssh HOST true, as often as it runs commands', value: percentile(floors, 0.5) / 1_000 },
    })
  }
  return rows
}

function archiveOf(lab: MachineLab): string {
  const cache = join(lab.directory, 'store/cache')
  const archive = readdirSync(cache).find(name => name.endsWith('.tar.gz'))
  if (archive === undefined) throw new Error(`there is no archive in ${cache}`)
  return join(cache, archive)
}
