import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NetworkInspect } from '../../../src/docker-api/index.ts'
import { bridgeNameOf } from '../../../src/runtime/network/networks/plan-network.ts'
import type { Sandbox, SandboxRequest } from '../../../src/runtime/ports.ts'
import { HostProcess, inside, Lab, type LabHost, sandboxRequest } from './lab.ts'

const isRoot = process.getuid?.() === 0
/** As many points of an operation as are tried; they are spread over it. */
const POINTS_MAX = 10
const NEVER = 1_000_000

describe.skipIf(!isRoot)('kill -9 in the middle of network operations (needs root)', () => {
  const lab = new Lab()
  let host: LabHost
  const stays = sandboxRequest('stays', {
    networkMode: 'app',
    endpoints: { app: {} },
    portBindings: { '80/tcp': [{ HostPort: '8080' }] },
  })

  beforeAll(async () => {
    await lab.open()
    host = await lab.addHost()
    await host.process.call('openStack', host.folder)
    await host.process.call('createNetwork', { Name: 'app', EnableIPv6: true })
    await host.process.call('createNetwork', { Name: 'more', EnableIPv6: true })
    await host.process.call('open', stays)
  })
  afterAll(() => lab.close())

  async function restart(kept: readonly SandboxRequest[]): Promise<void> {
    await host.process.kill()
    host.process = new HostProcess(host.netns)
    await host.process.call('openStack', host.folder)
    await host.process.call('restore', kept)
  }

  /** What is there beyond what the engine says there is, and the other way round. */
  async function differences(open: readonly SandboxRequest[]): Promise<object> {
    const networks = await host.process.call<NetworkInspect[]>('listNetworks')
    const bridges = networks.flatMap(({ Driver, Options, Id }) =>
      Driver === 'bridge' ? (Options['com.docker.network.bridge.name'] ?? bridgeNameOf(Id)) : [],
    )
    const sandboxes = await Promise.all(open.map(({ containerId }) => host.process.call<Sandbox>('get', containerId)))
    const endpoints = sandboxes.flatMap(({ networks: joined }) => Object.values(joined))
    const { stdout } = await inside(host.netns, 'ip', '-o', 'link')
    const links = [...stdout.matchAll(/^\d+: ([^:@]+)/gm)].map(match => match[1] ?? '')
    const rules = (await inside(host.netns, 'nft', 'list', 'ruleset')).stdout
    const ids = open.map(({ containerId }) => containerId).sort()
    const folder = (name: string): string[] => readdirSync(join(host.folder, 'exec', 'network', name)).sort()
    return {
      bridges: links.filter(name => name.startsWith('shoal-')).filter(name => !bridges.includes(name)),
      lost: bridges.filter(name => !links.includes(name)),
      devices: links.filter(name => /^v[0-9a-f]{5}/.test(name)).length - endpoints.length,
      namespaces: folder('netns').filter(id => !ids.includes(id)),
      files: folder('files').filter(id => !ids.includes(id)),
      records: folder('sandboxes').filter(name => !ids.includes(name.replace('.json', ''))),
      rules: [...rules.matchAll(/"(shoal-[0-9a-f]+)"/g)].filter(match => !bridges.includes(match[1] ?? '')),
      ports: [...rules.matchAll(/tcp \. (\d+) :/g)].map(match => match[1]).filter(port => port !== '8080'),
    }
  }
  const NONE = { bridges: [], lost: [], devices: 0, namespaces: [], files: [], records: [], rules: [], ports: [] }

  /** Does it once unharmed, to know its length, and then again and again, killed at ever later points. */
  async function crashEverywhere(
    prepare: () => Promise<void>,
    act: readonly [string, ...unknown[]],
    check: () => Promise<void>,
  ): Promise<number> {
    await prepare()
    const length = (await host.process.crash(NEVER, ...act)) ?? 0
    await restart([stays])
    let crashes = 0
    for (let point = 1; point <= length; point += Math.ceil(length / POINTS_MAX)) {
      await prepare()
      if ((await host.process.crash(point, ...act)) === undefined) crashes++
      await restart([stays])
      await check()
      expect(await differences([stays]), `after a crash at point ${point} of ${length}`).toEqual(NONE)
    }
    return crashes
  }
  const names = async (): Promise<string[]> =>
    (await host.process.call<NetworkInspect[]>('listNetworks')).map(({ Name }) => Name).sort()
  const removeIfThere = async (): Promise<void> => {
    if ((await names()).includes('fresh')) await host.process.call('removeNetwork', 'fresh')
  }
  const createIfMissing = async (): Promise<void> => {
    if (!(await names()).includes('fresh'))
      await host.process.call('createNetwork', { Name: 'fresh', EnableIPv6: true })
  }
  const joined = async (): Promise<string[]> =>
    Object.keys((await host.process.call<Sandbox>('get', stays.containerId)).networks)

  it('leaves a network that is being made whole or not there', async () => {
    const act = ['createNetwork', { Name: 'fresh', EnableIPv6: true }] as const
    expect(await crashEverywhere(removeIfThere, act, async () => {})).toBeGreaterThan(3)
  })

  it('leaves a network that is being removed whole or not there', async () => {
    expect(await crashEverywhere(createIfMissing, ['removeNetwork', 'fresh'], async () => {})).toBeGreaterThan(2)
    await removeIfThere()
  })

  it('leaves nothing of a container that was being connected at its start', async () => {
    const other = sandboxRequest('other', {
      networkMode: 'app',
      endpoints: { app: {}, more: {} },
      portBindings: { '81/tcp': [{ HostPort: '8181' }] },
    })
    const close = (): Promise<void> => host.process.call('close', other.containerId)
    expect(await crashEverywhere(close, ['open', other], async () => {})).toBeGreaterThan(3)
    const open = async (): Promise<void> => void (await host.process.call('open', other))
    expect(await crashEverywhere(open, ['close', other.containerId], async () => {})).toBeGreaterThan(1)
  })

  it('undoes a connect and a disconnect that the container does not know of', async () => {
    const outside = async (): Promise<void> => {
      if ((await joined()).includes('more')) await host.process.call('disconnect', 'more', stays.containerId)
    }
    const connect = ['connect', 'more', stays.containerId, { Aliases: ['also'] }] as const
    const isAsBefore = async (): Promise<void> => expect(await joined()).toEqual(['app'])
    expect(await crashEverywhere(outside, connect, isAsBefore)).toBeGreaterThan(1)
    const disconnect = ['disconnect', 'app', stays.containerId] as const
    expect(await crashEverywhere(async () => {}, disconnect, isAsBefore)).toBeGreaterThan(1)
  })

  it('takes everything along when it ends without containers', async () => {
    await host.process.call('close', stays.containerId)
    await host.process.call('closeStack')
    const { stdout } = await inside(host.netns, 'ip', '-o', 'link')
    expect([...stdout.matchAll(/^\d+: ([^:@]+)/gm)].map(match => match[1])).toEqual(['lo', 'eth0'])
    expect((await inside(host.netns, 'nft', 'list', 'ruleset')).stdout).toBe('')
  })
})
