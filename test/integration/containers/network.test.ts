import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContainerInspect } from '../../../src/docker-api/index.ts'
import { Dock, EngineProcess, eventually, isRoot } from './support.ts'

const CURL = ['curl', '--silent', '--max-time', '3']

describe.skipIf(!isRoot)('containers on networks', () => {
  let dock: Dock
  let netns: string
  let engine: EngineProcess
  beforeEach(async () => {
    dock = new Dock()
    netns = `shc${dock.directory.slice(-6)}`
    execFileSync('ip', ['netns', 'add', netns])
    dock.defer(() => void execFileSync('ip', ['netns', 'delete', netns]))
    execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up'])
    await dock.addImage()
    engine = open()
  })
  afterEach(async () => {
    try {
      const all = await engine.call<{ Id: string }[]>('containers.list', { all: true })
      for (const { Id } of all) await engine.call('containers.remove', Id, { force: true })
      await engine.call('networks.remove', 'app').catch(() => {})
    } finally {
      await engine.kill()
      await dock[Symbol.asyncDispose]()
    }
  })

  const open = (): EngineProcess => {
    const { bridge: _, ...options } = dock.options
    return new EngineProcess({ ...options, manageFirewall: true }, { netns: `/run/netns/${netns}` })
  }
  const create = async (name: string, script: string, more: object = {}): Promise<string> => {
    const request = { Image: 'box', Cmd: ['sh', '-c', script], ...more }
    return (await engine.call<{ Id: string }>('containers.create', request, { name })).Id
  }
  const networks = async (id: string) =>
    (await engine.call<ContainerInspect>('containers.inspect', id)).NetworkSettings.Networks
  const fetchFrom = (id: string, address: string): string => {
    const pid = dockPid(id)
    return execFileSync('nsenter', ['-t', pid, '-n', ...CURL, `http://${address}/`], { encoding: 'utf8' })
  }
  let asked = 0
  let pids = new Map<string, string>()
  const dockPid = (id: string): string => pids.get(id) ?? ''
  const start = async (id: string): Promise<void> => {
    await engine.call('containers.start', id)
    const { State } = await engine.call<ContainerInspect>('containers.inspect', id)
    pids = new Map(pids).set(id, String(State.Pid))
  }
  const SERVE = 'echo -n "page of $HOSTNAME" >/tmp/index.html; exec httpd -f -p 80 -h /tmp'

  it('reach each other and the published port, before and after kill -9 of the engine', async () => {
    await engine.call('networks.create', { Name: 'app' })
    const web = await create('web', SERVE, {
      Hostname: 'web-host',
      HostConfig: { NetworkMode: 'app', PortBindings: { '80/tcp': [{ HostPort: '8080' }] } },
    })
    const client = await create('client', 'sleep 1000', { HostConfig: { NetworkMode: 'app' } })
    for (const id of [web, client]) await start(id)
    const ip = (await networks(web))['app']?.IPAddress ?? ''
    const fetchPublished = (): string =>
      execFileSync('ip', ['netns', 'exec', netns, ...CURL, 'http://127.0.0.1:8080/'], { encoding: 'utf8' })
    const resolve = async (): Promise<string> => {
      const id = await create(`asker${++asked}`, 'nslookup -type=a web', { HostConfig: { NetworkMode: 'app' } })
      await engine.call('containers.start', id)
      const { State, LogPath } = await eventually(
        () => engine.call<ContainerInspect>('containers.inspect', id),
        ({ State }) => State.Status === 'exited',
      )
      expect(State.ExitCode).toBe(0)
      return readFileSync(LogPath, 'utf8')
    }
    const page = 'page of web-host'
    await eventually(
      () => attempt(() => fetchFrom(client, ip)),
      text => text === page,
    )
    expect(fetchPublished()).toBe(page)
    expect(await resolve()).toContain(`Address: ${ip}`)
    const before = await networks(web)
    await engine.kill()
    expect(fetchFrom(client, ip)).toBe(page)
    engine = open()
    expect(await networks(web)).toEqual(before)
    expect(fetchPublished()).toBe(page)
    expect(await resolve()).toContain(`Address: ${ip}`)
  })

  it('join and leave networks, running or not', async () => {
    await engine.call('networks.create', { Name: 'app' })
    const id = await create('joiner', 'sleep 1000')
    expect(Object.keys(await networks(id))).toEqual(['bridge'])
    await engine.call('networks.connect', 'app', 'joiner', { Aliases: ['also'] })
    await start(id)
    expect(Object.keys(await networks(id)).sort()).toEqual(['app', 'bridge'])
    await engine.call('networks.disconnect', 'bridge', id, {})
    expect(Object.keys(await networks(id))).toEqual(['app'])
    await engine.call('containers.restart', id, { timeoutMs: 0 })
    expect(Object.keys(await networks(id))).toEqual(['app'])
    await expect(engine.call('networks.connect', 'nowhere', id, {})).rejects.toThrow('network nowhere not found')
  })

  it('share the network of another container, which must run', async () => {
    const owner = await create('owner', 'sleep 1000')
    const guest = await create('guest', 'exec httpd -f -p 8000', { HostConfig: { NetworkMode: 'container:owner' } })
    await expect(engine.call('containers.start', guest)).rejects.toThrow(/owner|running/)
    await start(owner)
    await start(guest)
    const namespaces = [owner, guest].map(id =>
      execFileSync('readlink', [`/proc/${dockPid(id)}/ns/net`], { encoding: 'utf8' }),
    )
    expect(new Set(namespaces).size).toBe(1)
  })
})

async function attempt(get: () => string): Promise<string> {
  try {
    return get()
  } catch {
    return ''
  }
}
