import { readdirSync, readFileSync } from 'node:fs'
import { until } from '../../../scripts/lib/command.ts'
import type { Hosts } from '../../../scripts/lib/hosts.ts'
import { commandLineOf, signalQuietly } from '../../../scripts/lib/processes.ts'
import { type PeerOptions, spawnPeerEngine } from '../../support/peer-engine.ts'
import { type BenchClient, createAndStart, milliseconds, times } from './client.ts'

const CONTAINERS = 100
const IDLE_MS = 10_000
const DAEMONS = /(^|\/)(dockerd|containerd) |main\/cli\.[jt]s shoal engine/
const MONITORS = /(^|\/)(conmon|containerd-shim[-\w]*) /

export interface Idle {
  /** Of the daemons, without what stands beside each container. */
  readonly residentMib: number
  readonly corePercent: number
  /** Of the processes that watch a container each. */
  readonly monitorsMib: number
}

export interface Standing {
  readonly empty: Idle
  readonly full: Idle
  /** From starting the program until it serves and lists all containers as running. */
  readonly restartMs: number
}

/** What an engine costs while nobody asks it anything, and how long it is away when it is restarted. */
export async function measureStanding(hosts: Hosts, options: PeerOptions, client: BenchClient): Promise<Standing> {
  const empty = await idle(hosts, options.name)
  await times(CONTAINERS, 4, () => createAndStart(client, 'bridge', ['sleep', '1000']))
  const full = await idle(hosts, options.name)
  const daemons = hosts.pids(options.name, /(^|\/)dockerd |main\/cli\.[jt]s shoal engine/)
  for (const pid of daemons) signalQuietly(pid, 'SIGTERM')
  const gone = async (): Promise<true | undefined> =>
    daemons.every(pid => commandLineOf(pid) === '') ? true : undefined
  await until('the engine to end', gone, { everyMs: 20 })
  const restartMs = await milliseconds(async () => {
    await spawnPeerEngine(hosts, options)
    const list = async () => (await client.call('GET', '/containers/json')) as readonly { State: string }[]
    const running = async (): Promise<number> => (await list()).filter(({ State }) => State === 'running').length
    const all = async (): Promise<true | undefined> => ((await running()) === CONTAINERS ? true : undefined)
    await until(`${CONTAINERS} containers to run still`, all, { everyMs: 20 })
  })
  return { empty, full, restartMs }
}

async function idle(hosts: Hosts, name: string): Promise<Idle> {
  const daemons = hosts.pids(name, DAEMONS)
  const usedMs = (): number => daemons.reduce((sum, pid) => sum + processorMs(pid), 0)
  // What the work before this left to be done in the background.
  await new Promise(done => setTimeout(done, 2_000))
  const before = usedMs()
  await new Promise(done => setTimeout(done, IDLE_MS))
  const corePercent = ((usedMs() - before) / IDLE_MS) * 100
  const mebibytes = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + residentMib(pid), 0)
  return { residentMib: mebibytes(daemons), corePercent, monitorsMib: mebibytes(hosts.pids(name, MONITORS)) }
}

/** Of all threads that live; clock ticks would be too coarse for what is nearly nothing. Source: the kernel's sched-stats. */
function processorMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + threadMs(`/proc/${pid}/task/${thread}`), 0)
}

function threadMs(thread: string): number {
  try {
    return Number(readFileSync(`${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  } catch {
    // It has ended meanwhile.
    return 0
  }
}

function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}
