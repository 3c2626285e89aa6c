import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sandbox, SandboxRequest } from '../../../src/runtime/ports.ts'
import { fetchText, HostProcess, inside, Lab, type LabHost, pings, resolveName, run, sandboxRequest } from './lab.ts'

const isRoot = process.getuid?.() === 0
const DNS = '127.0.0.11'
const idOf = ({ netnsPath = '' }: Sandbox): string => basename(netnsPath)
const everywhere = (HostPort: string) => ['0.0.0.0', '::'].map(HostIp => ({ HostIp, HostPort }))

describe.skipIf(!isRoot)('network stack (needs root)', () => {
  const lab = new Lab()
  let host: LabHost
  const open = (request: SandboxRequest): Promise<Sandbox> => host.process.call<Sandbox>('open', request)
  const netns = (sandbox: Sandbox): string => sandbox.netnsPath ?? 'no namespace'

  beforeAll(async () => {
    await lab.open()
    host = await lab.addHost()
    await host.process.call('openStack', host.folder)
  })
  afterAll(() => lab.close())

  it('gives a container an address, a way out that hides it, and files', async () => {
    const sandbox = await open(sandboxRequest('plain', { hostname: 'box', extraHosts: ['db:10.9.9.9'] }))
    await lab.serve(lab.wire, 'outside', 8000)
    expect(await fetchText(netns(sandbox), '10.77.0.254:8000')).toBe(`outside ${host.address}`)
    const { stdout } = await run('cat', sandbox.files.hostname, sandbox.files.hosts)
    expect(stdout).toContain('box\n')
    expect(stdout).toContain(`${sandbox.networks['bridge']?.IPAddress}\tbox`)
    expect(stdout).toContain('10.9.9.9\tdb')
  })

  it('publishes a port for other hosts with their address kept, for the host, its loopback and its containers', async () => {
    const web = await open(sandboxRequest('web', { portBindings: { '80/tcp': [{ HostPort: '8080' }] } }))
    expect(web.ports).toEqual({ '80/tcp': everywhere('8080') })
    await lab.serve(netns(web), 'web')
    expect(await fetchText(lab.wire, `${host.address}:8080`)).toBe('web 10.77.0.254')
    expect(await fetchText(host.netns, `${host.address}:8080`)).toBe(`web ${host.address}`)
    expect(await fetchText(host.netns, '127.0.0.1:8080')).toMatch(/^web 172\./)
    const neighbour = await open(sandboxRequest('neighbour'))
    expect(await fetchText(netns(neighbour), `${host.address}:8080`)).toMatch(/^web /)
    expect(await fetchText(netns(web), `${host.address}:8080`)).toMatch(/^web /)
  })

  it('refuses a port that a container or another process has, and leaves nothing behind', async () => {
    const taken = sandboxRequest('second', { portBindings: { '80/tcp': [{ HostPort: '8080' }] } })
    await expect(open(taken)).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringMatching(
        /^driver failed programming external connectivity on endpoint second \(\w+\): Bind for 0.0.0.0:8080 failed: port is already allocated$/,
      ),
    })
    expect(await host.process.call('get', taken.containerId)).toBeUndefined()
    await lab.serve(host.netns, 'native', 9090)
    const foreign = sandboxRequest('third', { portBindings: { '80/tcp': [{ HostPort: '9090' }] } })
    await expect(open(foreign)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
  })

  it('publishes datagram ports, on one address alone if told so, and follows a container that comes back', async () => {
    const echo =
      "const s = require('dgram').createSocket('udp4'); s.on('message', (m, f) => s.send(process.argv[1] + ' ' + m, f.port, f.address)); s.bind(53, () => console.log('ready'))"
    const ask = async (from: string, address: string): Promise<string> => {
      const script = `const s = require('dgram').createSocket('udp4'); s.on('message', m => { console.log(String(m)); s.close() }); s.bind(7777, () => s.send('hello', 5353, '${address}')); setTimeout(() => process.exit(), 2000)`
      return (await inside(from, process.execPath, '-e', script)).stdout.trim()
    }
    const bound = { portBindings: { '53/udp': [{ HostIp: host.address, HostPort: '5353' }] } }
    for (const name of ['first', 'second']) {
      const request = sandboxRequest(name, bound)
      await lab.spawn(netns(await open(request)), process.execPath, '-e', echo, name)
      expect(await ask(lab.wire, host.address)).toBe(`${name} hello`)
      expect(await ask(host.netns, '127.0.0.1')).toBe('')
      await host.process.call('close', request.containerId)
    }
  })

  it('chooses free ports and gives ports back', async () => {
    const request = sandboxRequest('random', { publishAllPorts: true, exposedPorts: ['80/tcp'] })
    const port = Number((await open(request)).ports['80/tcp']?.[0]?.HostPort)
    expect(port).toBeGreaterThan(1024)
    await host.process.call('close', request.containerId)
    const again = sandboxRequest('again', { portBindings: { '81/tcp': [{ HostPort: String(port) }] } })
    expect((await open(again)).ports['81/tcp']).toEqual(everywhere(String(port)))
  })

  it('takes the first port of a range that is free, until there is none', async () => {
    const inRange = (name: string): SandboxRequest =>
      sandboxRequest(name, { portBindings: { '80/tcp': [{ HostPort: '20100-20101' }] } })
    expect((await open(inRange('one'))).ports['80/tcp']).toEqual(everywhere('20100'))
    expect((await open(inRange('two'))).ports['80/tcp']).toEqual(everywhere('20101'))
    await expect(open(inRange('three'))).rejects.toMatchObject({ code: 'PORT_IN_USE' })
  })

  it('keeps networks apart, serves names on them, and takes static addresses', async () => {
    await host.process.call('createNetwork', { Name: 'front', IPAM: { Config: [{ Subnet: '10.50.0.0/24' }] } })
    await host.process.call('createNetwork', { Name: 'back' })
    const on = (network: string, config = {}): Partial<SandboxRequest> => ({
      networkMode: network,
      endpoints: { [network]: config },
    })
    const a = await open(sandboxRequest('a', on('front', { IPAMConfig: { IPv4Address: '10.50.0.77' } })))
    const b = await open(sandboxRequest('b', on('front', { Aliases: ['svc'] })))
    const c = await open(sandboxRequest('c', on('back', { Aliases: ['svc'] })))
    const addressOf = (sandbox: Sandbox, network: string): string => sandbox.networks[network]?.IPAddress ?? ''
    expect(addressOf(a, 'front')).toBe('10.50.0.77')
    expect(a.networks['front']?.MacAddress).toBe('02:42:0a:32:00:4d')
    expect(await pings(netns(a), addressOf(b, 'front'))).toBe(true)
    expect(await pings(netns(a), addressOf(c, 'back'))).toBe(false)
    expect(await resolveName(netns(a), DNS, 'svc')).toEqual([addressOf(b, 'front')])
    expect(await resolveName(netns(a), DNS, 'c')).toEqual([])
    const { stdout } = await run('cat', a.files.resolvConf)
    expect(stdout).toContain(`nameserver ${DNS}\noptions`)
    const thief = sandboxRequest('thief', on('front', { IPAMConfig: { IPv4Address: '10.50.0.77' } }))
    await expect(open(thief)).rejects.toMatchObject({ code: 'ADDRESS_TAKEN', message: 'Address already in use' })
    await expect(host.process.call('removeNetwork', 'front')).rejects.toMatchObject({ code: 'NETWORK_IN_USE' })

    await host.process.call('connect', 'back', idOf(a))
    expect(await pings(netns(a), addressOf(c, 'back'))).toBe(true)
    expect(await resolveName(netns(a), DNS, 'c')).toEqual([addressOf(c, 'back')])
    await host.process.call('disconnect', 'back', idOf(a))
    expect(await pings(netns(a), addressOf(c, 'back'))).toBe(false)
  })

  it('lets nothing out of an internal network', async () => {
    await host.process.call('createNetwork', { Name: 'vault', Internal: true })
    const inner = await open(sandboxRequest('inner', { networkMode: 'vault' }))
    const other = await open(sandboxRequest('other', { networkMode: 'vault' }))
    expect(await pings(netns(inner), other.networks['vault']?.IPAddress ?? '')).toBe(true)
    expect(await pings(netns(inner), lab.wireAddress)).toBe(false)
    expect(await resolveName(netns(inner), DNS, 'other')).toHaveLength(1)
  })

  it('shares the namespace of another container, has none at all, or the host’s', async () => {
    const owner = sandboxRequest('owner')
    const first = await open(owner)
    const second = await open(sandboxRequest('guest', { networkMode: `container:${owner.containerId}` }))
    expect(second.netnsPath).toBe(first.netnsPath)
    expect(second.files).toEqual(first.files)
    const alone = await open(sandboxRequest('alone', { networkMode: 'none' }))
    expect((await inside(netns(alone), 'ip', '-o', 'link')).stdout).toMatch(/^1: lo/)
    expect(await pings(netns(alone), '127.0.0.1')).toBe(true)
    const onHost = await open(sandboxRequest('onhost', { networkMode: 'host' }))
    expect(onHost.netnsPath).toBeUndefined()
    expect(Object.keys(onHost.networks)).toEqual(['host'])
  })

  it('keeps running containers connected over a kill, and removes what belongs to nobody', async () => {
    const kept = sandboxRequest('kept', { portBindings: { '80/tcp': [{ HostPort: '8181' }] } })
    const lost = sandboxRequest('lost', { portBindings: { '80/tcp': [{ HostPort: '8282' }] } })
    const sandbox = await open(kept)
    const gone = await open(lost)
    await lab.serve(netns(sandbox), 'kept')
    await host.process.kill()
    expect(await fetchText(lab.wire, `${host.address}:8181`)).toBe('kept 10.77.0.254')

    host.process = new HostProcess(host.netns)
    await host.process.call('openStack', host.folder)
    await host.process.call('restore', [kept])
    expect(await host.process.call('open', kept)).toEqual(sandbox)
    expect(await fetchText(lab.wire, `${host.address}:8181`)).toBe('kept 10.77.0.254')
    expect(await host.process.call('get', lost.containerId)).toBeUndefined()
    expect((await run('test', '-e', netns(gone))).code).toBe(1)
    expect((await inside(host.netns, 'nft', 'list', 'ruleset')).stdout).not.toContain('8282')
    const rival = sandboxRequest('rival', { portBindings: { '80/tcp': [{ HostPort: '8181' }] } })
    await expect(open(rival)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    const fresh = await open(sandboxRequest('fresh'))
    expect(fresh.networks['bridge']?.IPAddress).not.toBe(sandbox.networks['bridge']?.IPAddress)
  })

  it('writes its table anew when someone flushed it', async () => {
    await inside(host.netns, 'nft', 'flush', 'ruleset')
    const healed = await open(sandboxRequest('healed', { portBindings: { '80/tcp': [{ HostPort: '8383' }] } }))
    await lab.serve(netns(healed), 'healed')
    expect(await fetchText(lab.wire, `${host.address}:8383`)).toBe('healed 10.77.0.254')
    expect(await fetchText(lab.wire, `${host.address}:8181`)).toBe('kept 10.77.0.254')
  })

  it('removes everything it made when told to', async () => {
    await host.process.call('closeStack')
    await host.process.call('destroyStack', host.folder)
    const { stdout: links } = await inside(host.netns, 'ip', '-o', 'link')
    expect(
      links
        .trim()
        .split('\n')
        .map(line => line.split(': ')[1]?.split('@')[0]),
    ).toEqual(['lo', 'eth0'])
    expect((await inside(host.netns, 'nft', 'list', 'ruleset')).stdout).toBe('')
  })
})
