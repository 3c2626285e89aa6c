import { describe, expect, it } from 'vitest'
import { errorMessage } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { pickIndex, seededRandom } from '../../../src/core/random.ts'
import { createDockerClient, type PortMap } from '../../../src/docker-api/index.ts'
import { Fleet, type FleetContainer } from './fleet.ts'
import { lab, startFront } from './front-lab.ts'

const HOSTS = Array.from({ length: 10 }, (_, index) => `n${index}`)
const MiB = 2 ** 20
/** Of each host, see memberRecord. */
const MEMORY = 8 * 1_024 * MiB

interface Run {
  readonly name: string
  readonly env?: readonly string[]
  readonly port?: number
  readonly memory?: number
}

interface Cluster {
  readonly fleet: Fleet
  /** `docker run -d`: resolves with what went wrong. */
  readonly run: (run: Run) => Promise<string | undefined>
}

async function cluster(): Promise<Cluster> {
  const fleet = new Fleet()
  await fleet.add(...HOSTS)
  // No host is ever given up for being slow.
  lab.clock = new ManualClock()
  const port = await startFront()
  const client = createDockerClient(`tcp://127.0.0.1:${port}`, { clock: lab.clock })
  lab.scope.defer(() => client.close())
  const run = async ({ name, env = [], port: published, memory = 0 }: Run): Promise<string | undefined> => {
    const PortBindings: PortMap =
      published === undefined ? {} : { '80/tcp': [{ HostIp: '', HostPort: String(published) }] }
    const request = { Image: 'app', Env: env, HostConfig: { Memory: memory, PortBindings } }
    try {
      const { Id } = await client.containers.create(request, { name })
      await client.containers.start(Id)
      return undefined
    } catch (error) {
      return errorMessage(error)
    }
  }
  return { fleet, run }
}

const counts = (fleet: Fleet): number[] => HOSTS.map(host => fleet.on(host).length)
const portsOn = (containers: readonly FleetContainer[]): string[] =>
  containers.flatMap(({ request }) => request.HostConfig?.PortBindings?.['80/tcp']?.[0]?.HostPort ?? [])

/** Hundreds of answers over HTTP in one process take their time where others work too. */
const TIMEOUT_MS = 240_000

describe('many docker run at once', { timeout: TIMEOUT_MS }, () => {
  it('give each of ten hosts ten of a hundred, a port once on each, and a name once', async () => {
    const { fleet, run } = await cluster()
    const failures = async (count: number, what: (index: number) => Run): Promise<string[]> => {
      const all = await Promise.all(Array.from({ length: count }, (_, index) => run(what(index))))
      return all.filter(failure => failure !== undefined)
    }
    expect(await failures(100, index => ({ name: `c${index}` }))).toEqual([])
    expect(counts(fleet)).toEqual(HOSTS.map(() => 10))
    expect([...fleet.containers.values()].every(({ isRunning }) => isRunning)).toBe(true)

    const noPort = await failures(40, index => ({ name: `web${index}`, port: 80 }))
    expect(counts(fleet)).toEqual(HOSTS.map(() => 11))
    expect(noPort).toHaveLength(30)
    for (const failure of noPort) expect(failure).toMatch(/port 80 \(Bridge mode\)/)

    const noName = await failures(30, () => ({ name: 'one' }))
    expect(noName).toHaveLength(29)
    for (const failure of noName) expect(failure).toMatch(/^Conflict: The name one is already assigned/)
  })

  it('break no port, affinity or memory, whatever fails meanwhile', async () => {
    const random = seededRandom(1)
    const { fleet, run } = await cluster()
    const anchors = ['db', 'cache', 'queue']
    for (const name of anchors) expect(await run({ name })).toBeUndefined()
    const runs = Array.from({ length: 100 }, (_, index): Run => {
      const kind = pickIndex(random, 5)
      const anchor = anchors[pickIndex(random, anchors.length)] ?? ''
      if (kind === 0) return { name: `near-${index}`, env: [`affinity:container==${anchor}`] }
      if (kind === 1) return { name: `away-${index}`, env: [`affinity:container!=${anchor}`] }
      if (kind === 2) return { name: `solo-${index}`, env: ['affinity:container!=solo-*'] }
      if (kind === 3) return { name: `port-${index}`, port: 8_000 + pickIndex(random, 3) }
      return { name: `big-${index}`, memory: MEMORY / 4 }
    })
    fleet.refused = new Set(runs.filter(() => pickIndex(random, 10) === 0).map(({ name }) => name))
    const failures = await Promise.all(runs.map(run))
    for (const host of HOSTS) {
      const here = fleet.on(host)
      const ports = portsOn(here)
      expect(new Set(ports).size).toBe(ports.length)
      expect(here.filter(({ name }) => name.startsWith('solo-')).length).toBeLessThanOrEqual(1)
      expect(here.reduce((sum, { request }) => sum + (request.HostConfig?.Memory ?? 0), 0)).toBeLessThanOrEqual(MEMORY)
    }
    for (const { name, env: [expression = ''] = [] } of runs) {
      const [, operator, anchor = ''] = /^affinity:container(==|!=)(db|cache|queue)$/.exec(expression) ?? []
      const placed = fleet.named(name)
      if (operator === undefined || placed === undefined) continue
      expect(placed.node === fleet.named(anchor)?.node).toBe(operator === '==')
    }
    // What fits is made: only what was refused, or has no host left, is not.
    const lost = runs.filter(({ name }, index) => failures[index] !== undefined && !fleet.refused.has(name))
    expect(lost.every(({ name }) => /^(solo|port|big)-/.test(name))).toBe(true)
    expect(runs.filter(({ name }) => fleet.named(name) === undefined).length).toBe(
      failures.filter(failure => failure !== undefined).length,
    )
  })
})
