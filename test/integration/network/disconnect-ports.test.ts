import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sandbox, SandboxRequest } from '../../../src/runtime/ports.ts'
import { fetchText, HostProcess, inside, Lab, type LabHost, sandboxRequest } from './lab.ts'

const isRoot = process.getuid?.() === 0
const PORT = '8080'
const everywhere = (HostPort: string) => ['0.0.0.0', '::'].map(HostIp => ({ HostIp, HostPort }))

describe.skipIf(!isRoot)('published ports of a container that leaves its network (needs root)', () => {
  const lab = new Lab()
  let host: LabHost
  const web = sandboxRequest('web', {
    networkMode: 'app',
    portBindings: { '80/tcp': [{ HostPort: PORT }] },
    exposedPorts: ['80/tcp'],
  })
  const alone: SandboxRequest = { ...web, networkMode: '', endpoints: { vault: {} } }

  beforeAll(async () => {
    await lab.open()
    host = await lab.addHost()
    await host.process.call('openStack', host.folder)
    await host.process.call('createNetwork', { Name: 'app' })
    await host.process.call('createNetwork', { Name: 'more' })
    await host.process.call('createNetwork', { Name: 'vault', Internal: true })
    await host.process.call('createNetwork', {
      Name: 'local',
      Options: { 'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1' },
    })
    const { netnsPath = '' } = await host.process.call<Sandbox>('open', web)
    await lab.serve(netnsPath, 'web')
  })
  afterAll(() => lab.close())

  const connect = (network: string): Promise<unknown> => host.process.call('connect', network, web.containerId)
  const disconnect = (network: string): Promise<unknown> => host.process.call('disconnect', network, web.containerId)
  const ports = async () => (await host.process.call<Sandbox>('get', web.containerId)).ports
  const listening = async (): Promise<string[]> => {
    const { stdout } = await inside(host.netns, 'ss', '-Hltn', `sport = :${PORT}`)
    return stdout.split('\n').filter(Boolean)
  }
  const isInRules = async (): Promise<boolean> =>
    (await inside(host.netns, 'nft', 'list', 'ruleset')).stdout.includes(`tcp . ${PORT} :`)
  const fetched = (): Promise<string> => fetchText(lab.wire, `${host.address}:${PORT}`)
  const isHeld = async (): Promise<boolean> => (await listening()).length > 0 || (await isInRules())

  it('gives them back at once, to whoever wants them', async () => {
    expect(await fetched()).toBe('web 10.77.0.254')
    await disconnect('app')
    expect(await isHeld()).toBe(false)
    const rival = sandboxRequest('rival', { portBindings: { '80/tcp': [{ HostPort: PORT }] } })
    await host.process.call('open', rival)
    await expect(connect('app')).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringMatching(/endpoint web \(\w+\): Bind for 0.0.0.0:8080 failed: port is already allocated$/),
    })
    await host.process.call('close', rival.containerId)
    expect(await isHeld()).toBe(false)
  })

  it('publishes them again on the next network, and keeps them as long as one is left that leads to them', async () => {
    await connect('more')
    expect(await ports()).toEqual({ '80/tcp': everywhere(PORT) })
    expect(await fetched()).toBe('web 10.77.0.254')
    await connect('app')
    await disconnect('more')
    expect(await ports()).toEqual({ '80/tcp': everywhere(PORT) })
    expect(await fetched()).toBe('web 10.77.0.254')
  })

  it('moves them to the addresses that the network left wants them on', async () => {
    await connect('local')
    await disconnect('app')
    expect(await ports()).toEqual({ '80/tcp': [{ HostIp: '127.0.0.1', HostPort: PORT }] })
    expect(await fetched()).toBe('')
    expect(await fetchText(host.netns, `127.0.0.1:${PORT}`)).toMatch(/^web /)
  })

  it('lets a container leave though another program has the port where it would go', async () => {
    const native = await lab.serve(host.netns, 'native', Number(PORT), host.address)
    await connect('app')
    await disconnect('local')
    expect(await ports()).toEqual({ '80/tcp': null })
    expect(await isInRules()).toBe(false)
    expect(await fetched()).toBe('native 10.77.0.254')
    const ended = once(native, 'exit')
    native.kill('SIGKILL')
    await ended
  })

  it('has none on an internal network', async () => {
    await disconnect('app')
    await connect('app')
    expect(await ports()).toEqual({ '80/tcp': everywhere(PORT) })
    await connect('vault')
    await disconnect('app')
    expect(await ports()).toEqual({ '80/tcp': null })
    expect(await isHeld()).toBe(false)
  })

  it('holds none after a restart, even when a former life still held them', async () => {
    await host.process.kill()
    const path = join(host.folder, 'exec', 'network', 'sandboxes', `${web.containerId}.json`)
    const record: object = JSON.parse(readFileSync(path, 'utf8'))
    expect(record).toMatchObject({ ports: [] })
    const held = everywhere(PORT).map(({ HostIp }) => ({ hostIp: HostIp, hostPort: 8080, port: 80, protocol: 'tcp' }))
    writeFileSync(path, JSON.stringify({ ...record, ports: held }))
    host.process = new HostProcess(host.netns)
    await host.process.call('openStack', host.folder)
    await host.process.call('restore', [alone])
    expect(await ports()).toEqual({ '80/tcp': null })
    expect(await isHeld()).toBe(false)
    await connect('app')
    expect(await fetched()).toBe('web 10.77.0.254')
  })
})
