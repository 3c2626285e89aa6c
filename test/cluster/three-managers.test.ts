import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, until } from '../../scripts/lib/command.ts'
import { Hosts } from '../../scripts/lib/hosts.ts'
import { signalQuietly } from '../../scripts/lib/processes.ts'
import { sleep, systemClock } from '../../src/core/clock.ts'
import { createDockerClient } from '../../src/docker-api/index.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { type CliResult, docker } from '../support/docker-cli.ts'
import { OpenStream } from '../support/open-stream.ts'

/** Three hosts, each with a member of etcd, a manager and an agent. The order of the tests matters. */

const SUBNET = '10.220.0'
const ADDRESSES: Readonly<Record<string, string>> = {
  h1: `${SUBNET}.11`,
  h2: `${SUBNET}.12`,
  h3: `${SUBNET}.13`,
}
const NAMES = Object.keys(ADDRESSES)
const STORE = `etcd://${NAMES.map(name => `${ADDRESSES[name]}:2379`).join(',')}/`
const IMAGE = 'busybox:test'
const directory = mkdtempSync(join(tmpdir(), 'shoal-three-'))
const composeFile = join(directory, 'compose.yaml')
const hosts = new Hosts({ directory: join(directory, 'hosts'), bridge: 'sh-three', gateway: `${SUBNET}.1` })

const managerOf = (name: string): string => `tcp://${ADDRESSES[name]}:3375`

function startEtcd(name: string): void {
  const address = ADDRESSES[name]
  const [client, peer] = [`http://${address}:2379`, `http://${address}:2380`]
  const members = NAMES.map(other => `${other}=http://${ADDRESSES[other]}:2380`).join(',')
  const urls = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer]
  const cluster = ['--initial-advertise-peer-urls', peer, '--initial-cluster', members]
  const place = ['--name', name, '--data-dir', join(hosts.dataDirectory(name), 'etcd'), '--log-level', 'warn']
  hosts.spawn(name, 'etcd', ['etcd', ...place, ...urls, ...cluster])
}

function startManager(name: string): void {
  const listen = ['-H', managerOf(name), '--replication', '--advertise', `${ADDRESSES[name]}:3375`, '--insecure']
  hosts.spawn(name, 'manager', [resolve('bin/swarm'), 'manage', ...listen, STORE])
}

function startAgent(name: string): void {
  const place = ['--data-root', join(hosts.dataDirectory(name), 'lib'), '--cgroup-parent', hosts.cgroupParent(name)]
  const identity = ['--name', name, '--advertise', `${ADDRESSES[name]}:2375`, '--insecure']
  hosts.spawn(name, 'agent', [resolve('bin/swarm'), 'join', ...identity, ...place, STORE])
}

async function loadImage(name: string): Promise<void> {
  const client = createDockerClient(`tcp://${ADDRESSES[name]}:2375`, { clock: systemClock })
  try {
    await until(`the agent on ${name}`, () => client.version(), { timeoutMs: 30_000 })
    await client.images.load(Readable.from([await busyboxArchive({ name: IMAGE })]), AbortSignal.timeout(30_000))
  } finally {
    client.close()
  }
}

const pidsOf = (name: string, program: 'manage' | 'etcd'): number[] =>
  hosts.pids(name, program === 'etcd' ? /^etcd / : /\bnode\b.* manage /)

function signal(name: string, program: 'manage' | 'etcd', what: NodeJS.Signals): void {
  const pids = pidsOf(name, program)
  expect(pids).not.toEqual([])
  for (const pid of pids) signalQuietly(pid, what)
}

async function get(name: string, path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://${ADDRESSES[name]}:3375${path}`, { signal: AbortSignal.timeout(10_000) })
  return { status: response.status, body: await response.json() }
}

async function roleOf(name: string): Promise<string> {
  const { body } = await get(name, '/info')
  return (body as { SystemStatus: [string, string][] }).SystemStatus[0]?.[1] ?? ''
}

/** The one manager that leads, as all who are asked say. */
async function leader(among: readonly string[] = NAMES): Promise<string> {
  return until('one manager to lead', async () => {
    const roles = await Promise.all(among.map(roleOf))
    const leading = among.filter((_, index) => roles[index] === 'primary')
    return leading.length === 1 ? leading[0] : undefined
  })
}

async function successor(before: string): Promise<string> {
  return leader(NAMES.filter(name => name !== before))
}

const compose = (name: string, ...args: string[]): Promise<string> =>
  command([resolve('bin/compose'), '-f', composeFile, ...args], {
    timeoutMs: 90_000,
    env: { ...process.env, DOCKER_HOST: managerOf(name) },
  })

interface Row {
  readonly Name: string
  readonly ID: string
  readonly Node: string
  readonly State: string
}

/** The project's running containers, as one manager tells. */
async function rows(name: string): Promise<Row[]> {
  const lines = (await compose(name, 'ps', '--format', 'json')).trim().split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as Row)
}

/** Ids of what really runs on the hosts: each host's own engine is asked, not a manager. */
async function running(): Promise<string[]> {
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
async function settled(count: number, counts: (name: string) => boolean = () => true): Promise<string[]> {
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
async function asking(name: string, path: string, during: () => Promise<void>): Promise<Set<number>> {
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
const createThrough = (name: string, container: string, ...flags: string[]): Promise<CliResult> =>
  docker(managerOf(name), ['run', '-d', '--name', container, '--network', 'none', ...flags, IMAGE, 'sleep', '3600'], {
    timeoutMs: 90_000,
  })

/** Tries until the cluster takes it: while nobody leads, a manager refuses. */
async function runContainer(name: string, container: string, ...flags: string[]): Promise<void> {
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

describe('three managers on a store of three members', () => {
  beforeAll(async () => {
    writeFileSync(
      composeFile,
      `name: shop
services:
  web:
    image: ${IMAGE}
    command: [sleep, "3600"]
    stop_signal: SIGKILL
    deploy: { replicas: 3 }
`,
    )
    await hosts.open()
    for (const name of NAMES) await hosts.start(name, ADDRESSES[name] ?? '')
    for (const name of NAMES) startEtcd(name)
    for (const name of NAMES) startManager(name)
    for (const name of NAMES) startAgent(name)
    await Promise.all(NAMES.map(loadImage))
    await leader()
  }, 120_000)
  afterAll(async () => {
    await hosts.removeAll()
    rmSync(directory, { recursive: true, force: true })
  }, 120_000)

  it('takes work through any of them, streams that are hijacked too', async () => {
    const first = await leader()
    const [replica = ''] = NAMES.filter(name => name !== first)
    await compose(replica, 'up', '-d', '--wait')
    expect(new Set((await rows(replica)).map(row => row.Node))).toEqual(new Set(NAMES))
    await runContainer(replica, 'single', '-e', 'reschedule:on-node-failure')
    const { stdout } = await docker(managerOf(replica), ['exec', '-i', 'single', 'cat'], { input: 'there and back' })
    expect(stdout).toBe('there and back')
    await settled(4)
  })

  it('goes on when the leader is killed, and starts nothing twice', async () => {
    const before = await settled(4)
    const first = await leader()
    const [replica = ''] = NAMES.filter(name => name !== first)
    const statuses = await asking(replica, '/v1/projects/shop', async () => {
      signal(first, 'manage', 'SIGKILL')
      await successor(first)
    })
    expect([...statuses]).toEqual([200])
    await runContainer(replica, 'after-kill')
    expect(await settled(5)).toEqual(expect.arrayContaining(before))
    startManager(first)
    await leader()
  })

  it('ends the streams that the leader held when it is killed, and goes on with those of the others', async () => {
    const before = await settled(4, name => !name.includes('after-kill'))
    const first = await leader()
    const [replica = ''] = NAMES.filter(name => name !== first)
    const run = (name: string, ...argv: string[]): Promise<CliResult> =>
      docker(managerOf(replica), ['run', '-d', '-i', '--name', name, '--network', 'none', IMAGE, ...argv])
    expect(await run('echoing', 'cat')).toMatchObject({ code: 0 })
    expect(await run('ticking', 'sh', '-c', 'while sleep 0.2; do echo tick; done')).toMatchObject({ code: 0 })
    const open = (manager: string) => ({
      exec: new OpenStream(managerOf(manager), 'exec', '-i', 'echoing', 'cat'),
      attached: new OpenStream(managerOf(manager), 'attach', '--sig-proxy=false', 'echoing'),
      logs: new OpenStream(managerOf(manager), 'logs', '-f', 'ticking'),
    })
    const [through, held] = [open(replica), open(first)]
    const all = [through, held].flatMap(({ exec, attached, logs }) => [exec, attached, logs])
    try {
      for (const { exec, attached, logs } of [through, held]) {
        exec.write('one\n')
        await exec.says('one')
        attached.write('two\n')
        await attached.says('two')
        await logs.says('tick')
      }
      signal(first, 'manage', 'SIGKILL')
      await until('the streams of the dead leader to end', async () =>
        [held.exec, held.attached, held.logs].every(({ hasEnded }) => hasEnded) ? true : undefined,
      )
      await successor(first)
      through.exec.write('three\n')
      await through.exec.says('three')
      through.attached.write('four\n')
      await through.attached.says('four')
      await through.logs.saysMore()
      await through.exec.end()
    } finally {
      for (const stream of all) stream.kill()
    }
    startManager(first)
    await leader()
    await until('the containers to be removed', async () => {
      const { code } = await docker(managerOf(replica), ['rm', '-f', 'echoing', 'ticking'])
      return code === 0 ? true : undefined
    })
    expect(await settled(4, name => !name.includes('after-kill'))).toEqual(before)
  })

  it('lets a leader that was paused answer nothing as a leader', async () => {
    const before = await settled(5)
    const first = await leader()
    signal(first, 'manage', 'SIGSTOP')
    // Waits in the socket of the sleeping leader until it wakes.
    const late = createThrough(first, 'late')
    const next = await successor(first)
    await runContainer(next, 'while-paused')
    await sleep(systemClock, 20_000)
    signal(first, 'manage', 'SIGCONT')
    const { code } = await late
    expect(await leader()).toBe(next)
    const after = await settled(code === 0 ? 7 : 6)
    expect(after).toEqual(expect.arrayContaining(before))
    expect(after.filter(name => name.includes('late'))).toHaveLength(code === 0 ? 1 : 0)
    expect(new Set(after).size).toBe(after.length)
    await docker(managerOf(next), ['rm', '-f', 'late', 'while-paused', 'after-kill'])
    await settled(4)
  }, 120_000)

  it('takes the lead from one that is cut off, and moves what ran there', async () => {
    const first = await leader()
    const others = NAMES.filter(name => name !== first)
    const [replica = ''] = others
    const gone = (await rows(replica)).filter(row => row.Node === first)
    expect(gone).toHaveLength(1)
    await hosts.cutOff(first)
    await leader(others)
    await until('three replicas on the others', async () => {
      const left = (await rows(replica)).filter(row => row.State === 'running' && row.Node !== first)
      return left.length === 3 ? true : undefined
    })
    await hosts.reconnect(first)
    await leader()
    const found = await settled(3, name => name.includes('web'))
    expect(new Set(found).size).toBe(3)
    // What the cut-off host had of it, if it had it, is removed too.
    await settled(4)
  }, 120_000)

  it('makes a container anew that asks for it when its host fails, and removes what the host comes back with', async () => {
    const whereIs = async (asked: string): Promise<string> => {
      const { stdout } = await docker(managerOf(asked), ['ps', '--filter', 'name=single', '--format', '{{.Names}}'])
      return stdout.trim().split('/')[0] ?? ''
    }
    const lost = await until('all managers to say where it is', async () => {
      const places = new Set(await Promise.all(NAMES.map(whereIs)))
      return places.size === 1 && !places.has('') ? [...places][0] : undefined
    })
    const [other = ''] = NAMES.filter(name => name !== lost)
    await hosts.kill(lost)
    const taker = await until('it to run elsewhere', async () => {
      const node = await whereIs(other)
      return node !== '' && node !== lost ? node : undefined
    })
    await hosts.start(lost, ADDRESSES[lost] ?? '')
    startEtcd(lost)
    startManager(lost)
    startAgent(lost)
    // Neither it nor a replica too many is on the returned host.
    const names = await settled(4)
    expect(names.filter(name => name.includes('single'))).toHaveLength(1)
    // The manager there has only just begun to follow the nodes.
    await until('the returned manager to tell where it is', async () =>
      (await whereIs(lost)) === taker ? true : undefined,
    )
    await leader()
  }, 120_000)

  it('goes on when the member of etcd that leads is killed', async () => {
    const before = await settled(4)
    const first = await leader()
    for (const name of NAMES) {
      signal(name, 'etcd', 'SIGKILL')
      await until('the cluster to take writes', async () => {
        const { code } = await docker(managerOf(first), ['run', '--rm', '--network', 'none', IMAGE, 'true'])
        return code === 0 ? true : undefined
      })
      startEtcd(name)
      await until(`etcd on ${name}`, async () => {
        const response = await fetch(`http://${ADDRESSES[name]}:2379/health`)
        return ((await response.json()) as { health: string }).health === 'true' ? true : undefined
      })
    }
    await leader()
    expect(await settled(4)).toEqual(before)
  }, 120_000)

  it('keeps containers and answers reads while the whole store is away, and comes back by itself', async () => {
    const before = await settled(4)
    for (const name of NAMES) signal(name, 'etcd', 'SIGKILL')
    await until('writes to be refused', async () => {
      const { code, stderr } = await createThrough('h1', 'nobody-leads')
      return code !== 0 && /store|lead/i.test(stderr) ? true : undefined
    })
    // Longer than anything lives in the store without being renewed.
    await sleep(systemClock, 15_000)
    expect((await get('h2', '/v1/projects/shop')).status).toBe(200)
    expect(await running()).toEqual(expect.arrayContaining(before))
    for (const name of NAMES) startEtcd(name)
    await leader()
    await compose('h3', 'up', '-d', '--wait')
    await runContainer('h2', 'after-outage')
    const lasting = (name: string): boolean => !name.includes('nobody-leads') && !name.includes('after-outage')
    expect(await settled(4, lasting)).toEqual(before)
  }, 120_000)
})
