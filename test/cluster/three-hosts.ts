import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { expect } from 'vitest'
import { command, until } from '../../scripts/lib/command.ts'
import { Hosts } from '../../scripts/lib/hosts.ts'
import { signalQuietly } from '../../scripts/lib/processes.ts'
import { sleep, systemClock } from '../../src/core/clock.ts'
import { createDockerClient } from '../../src/docker-api/index.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { type CliResult, docker } from '../support/docker-cli.ts'

/** Three hosts, each with a member of etcd, a manager and an agent. */

const SUBNET = '10.220.0'
export const ADDRESSES: Readonly<Record<string, string>> = {
  h1: `${SUBNET}.11`,
  h2: `${SUBNET}.12`,
  h3: `${SUBNET}.13`,
}
export const NAMES = Object.keys(ADDRESSES)
const STORE = `etcd://${NAMES.map(name => `${ADDRESSES[name]}:2379`).join(',')}/`
export const IMAGE = 'busybox:test'
export const directory = mkdtempSync(join(tmpdir(), 'shoal-three-'))
export const composeFile = join(directory, 'compose.yaml')
export const hosts = new Hosts({ directory: join(directory, 'hosts'), bridge: 'sh-three', gateway: `${SUBNET}.1` })

export const managerOf = (name: string): string => `tcp://${ADDRESSES[name]}:3375`

export function startEtcd(name: string): void {
  const address = ADDRESSES[name]
  const [client, peer] = [`http://${address}:2379`, `http://${address}:2380`]
  const members = NAMES.map(other => `${other}=http://${ADDRESSES[other]}:2380`).join(',')
  const urls = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer]
  const cluster = ['--initial-advertise-peer-urls', peer, '--initial-cluster', members]
  const place = ['--name', name, '--data-dir', join(hosts.dataDirectory(name), 'etcd'), '--log-level', 'warn']
  hosts.spawn(name, 'etcd', ['etcd', ...place, ...urls, ...cluster])
}

export function startManager(name: string): void {
  const listen = ['-H', managerOf(name), '--replication', '--advertise', `${ADDRESSES[name]}:3375`, '--insecure']
  hosts.spawn(name, 'manager', [resolve('bin/swarm'), 'manage', ...listen, STORE])
}

export function startAgent(name: string): void {
  const place = ['--data-root', join(hosts.dataDirectory(name), 'lib'), '--cgroup-parent', hosts.cgroupParent(name)]
  const identity = ['--name', name, '--advertise', `${ADDRESSES[name]}:2375`, '--insecure']
  hosts.spawn(name, 'agent', [resolve('bin/swarm'), 'join', ...identity, ...place, STORE])
}

export async function loadImage(name: string): Promise<void> {
  const client = createDockerClient(`tcp://${ADDRESSES[name]}:2375`, { clock: systemClock })
  try {
    await until(`the agent on ${name}`, () => client.version())
    await client.images.load(Readable.from([await busyboxArchive({ name: IMAGE })]), AbortSignal.timeout(120_000))
  } finally {
    client.close()
  }
}

const pidsOf = (name: string, program: 'manage' | 'etcd'): number[] =>
  hosts.pids(name, program === 'etcd' ? /^etcd / : /\bnode\b.* manage /)

export function signal(name: string, program: 'manage' | 'etcd', what: NodeJS.Signals): void {
  const pids = pidsOf(name, program)
  expect(pids).not.toEqual([])
  for (const pid of pids) signalQuietly(pid, what)
}

export async function get(name: string, path: string, timeoutMs = 60_000): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://${ADDRESSES[name]}:3375${path}`, { signal: AbortSignal.timeout(timeoutMs) })
  return { status: response.status, body: await response.json() }
}

async function roleOf(name: string): Promise<string> {
  // Asked again and again, so that one that was asked while it was away is soon asked anew.
  const { body } = await get(name, '/info', 15_000)
  return (body as { SystemStatus: [string, string][] }).SystemStatus[0]?.[1] ?? ''
}

/** The one manager that leads, as all who are asked say. */
export async function leader(among: readonly string[] = NAMES): Promise<string> {
  return until('one manager to lead', async () => {
    const roles = await Promise.all(among.map(roleOf))
    const leading = among.filter((_, index) => roles[index] === 'primary')
    return leading.length === 1 ? leading[0] : undefined
  })
}

export async function successor(before: string): Promise<string> {
  return leader(NAMES.filter(name => name !== before))
}

export const compose = (name: string, ...args: string[]): Promise<string> =>
  command([resolve('bin/compose'), '-f', composeFile, ...args], {
    env: { ...process.env, DOCKER_HOST: managerOf(name) },
  })

interface Row {
  readonly Name: string
  readonly ID: string
  readonly Node: string
  readonly State: string
}

/** The project's running containers, as one manager tells. */
export async function rows(name: string): Promise<Row[]> {
  const lines = (await compose(name, 'ps', '--format', 'json')).trim().split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as Row)
}

/** Ids of what really runs on the hosts: each host's own engine is asked, not a manager. */
export async function running(): Promise<string[]> {
  const found = await Promise.all(
    NAMES.map(async name => {
      const client = createDockerClient(`tcp://${ADDRESSES[name]}:2375`, { clock: systemClock })
      try {
        return (await client.containers.list({})).map(each => each.Names[0] ?? each.Id)
      } finally {
        client.close()
      }
    }),
  )
  return found.flat().toSorted()
}

/** How long a count must stand: a host that has just returned may still give up what others have taken over. */
const STEADY_MS = 2_000

/** The names of what runs, those that count, once it is this many and stays so. */
export async function settled(count: number, counts: (name: string) => boolean = () => true): Promise<string[]> {
  let last: string[] = []
  let sinceMs = systemClock.monotonicMs()
  return until(`${count} containers to stay`, async () => {
    const found = (await running()).filter(counts)
    if (found.join() !== last.join()) sinceMs = systemClock.monotonicMs()
    last = found
    return found.length === count && systemClock.monotonicMs() - sinceMs >= STEADY_MS ? found : undefined
  })
}

/** Asks a manager again and again while something happens; resolves with the statuses it answered. */
export async function asking(name: string, path: string, during: () => Promise<void>): Promise<Set<number>> {
  const over = new AbortController()
  const statuses = new Set<number>()
  const loop = (async () => {
    while (!over.signal.aborted) {
      statuses.add((await get(name, path)).status)
      await sleep(systemClock, 50)
    }
  })()
  try {
    await during()
  } finally {
    over.abort()
    await loop
  }
  return statuses
}

/** Longer than anything that a test lets a manager sleep. */
export const createThrough = (name: string, container: string, ...flags: string[]): Promise<CliResult> =>
  docker(managerOf(name), ['run', '-d', '--name', container, '--network', 'none', ...flags, IMAGE, 'sleep', '3600'], {
    timeoutMs: 240_000,
  })

/** Tries until the cluster takes it: while nobody leads, a manager refuses. */
export async function runContainer(name: string, container: string, ...flags: string[]): Promise<void> {
  const refusals: string[] = []
  await until(`${container} to be taken`, async () => {
    const { code, stderr } = await createThrough(name, container, ...flags)
    if (code === 0) return true
    // It was made by the try before, whose answer was lost with the leader.
    if (refusals.length > 0 && /already assigned|is already in use/.test(stderr)) {
      return (await docker(managerOf(name), ['start', container])).code === 0 ? true : undefined
    }
    refusals.push(stderr)
    return undefined
  })
  for (const refusal of refusals) expect(refusal).toMatch(/lead|reach|store|Unreachable/i)
}

/** Runs a container beside the one that is about to be lost, and puts it on a network over hosts that it was not made on. */
export async function joinApart(name: string): Promise<void> {
  const wishes = ['-e', 'reschedule:on-node-failure', '-e', 'affinity:container==~single']
  for (const network of ['made-on', 'apart']) {
    // A host that was cut off until now may still have a connection to the leader that nobody answers on.
    await until(`network ${network}`, async () => {
      const { code, stderr } = await docker(managerOf(name), ['network', 'create', '--driver', 'overlay', network])
      return code === 0 || stderr.includes('already exists') ? true : undefined
    })
  }
  for (const argv of [
    ['run', '-d', '--name', 'joined', '--network', 'made-on', ...wishes, IMAGE, 'sleep', '3600'],
    ['network', 'connect', '--alias', 'db', 'apart', 'joined'],
  ]) {
    expect(await docker(managerOf(name), argv)).toMatchObject({ code: 0 })
  }
}

/** The node of that container, and its names on that network. */
export async function apart(name: string): Promise<[node: string, aliases: string[]]> {
  const format = '{{.Node.Name}} {{json (index .NetworkSettings.Networks "apart").Aliases}}'
  const { stdout } = await docker(managerOf(name), ['inspect', '--format', format, 'joined'])
  const [node = '', aliases = '[]'] = stdout.trim().split(' ')
  return [node, JSON.parse(aliases) as string[]]
}
