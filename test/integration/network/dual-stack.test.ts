import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NetworkInspect } from '../../../src/docker-api/index.ts'
import type { Sandbox, SandboxRequest } from '../../../src/runtime/ports.ts'
import { fetchText, inside, Lab, type LabHost, pings, run, sandboxRequest } from './lab.ts'

const isRoot = process.getuid?.() === 0
const HOST6 = 'fd77:77::1'

describe.skipIf(!isRoot)('networks with IPv6 (needs root)', () => {
  const lab = new Lab()
  let host: LabHost
  const open = (request: SandboxRequest): Promise<Sandbox> => host.process.call<Sandbox>('open', request)
  const netns = (sandbox: Sandbox): string => sandbox.netnsPath ?? 'no namespace'
  const on = (network: string, config = {}, more: Partial<SandboxRequest> = {}): Partial<SandboxRequest> => ({
    networkMode: network,
    endpoints: { [network]: config },
    ...more,
  })
  const address6 = (sandbox: Sandbox, network: string): string => sandbox.networks[network]?.GlobalIPv6Address ?? ''

  beforeAll(async () => {
    await lab.open()
    host = await lab.addHost()
    await lab.speakIpv6()
    await host.process.call('openStack', host.folder)
    const IPAM = { Config: [{ Subnet: '10.60.0.0/24' }, { Subnet: 'fd60::/64', Gateway: 'fd60::99' }] }
    await host.process.call('createNetwork', { Name: 'six', EnableIPv6: true, IPAM })
    await host.process.call('createNetwork', { Name: 'own', EnableIPv6: true })
  })
  afterAll(() => lab.close())

  it('gives containers addresses of both families, asked for or not, and names for both', async () => {
    const fixed = await open(sandboxRequest('fixed', on('six', { IPAMConfig: { IPv6Address: 'FD60:0::5' } })))
    expect(fixed.networks['six']).toMatchObject({
      GlobalIPv6Address: 'fd60::5',
      GlobalIPv6PrefixLen: 64,
      IPv6Gateway: 'fd60::99',
      IPPrefixLen: 24,
    })
    const free = await open(sandboxRequest('free', on('six')))
    expect(address6(free, 'six')).toMatch(/^fd60::/)
    expect(await pings(netns(free), 'fd60::5')).toBe(true)
    const { stdout } = await inside(netns(free), 'busybox', 'nslookup', '-type=aaaa', 'fixed', '127.0.0.11')
    expect(stdout).toContain('Address: fd60::5')
    const hosts = (await run('cat', free.files.hosts)).stdout
    expect(hosts).toContain(`${address6(free, 'six')}\tfree\n`)
    const thief = sandboxRequest('thief', on('six', { IPAMConfig: { IPv6Address: 'fd60::5' } }))
    await expect(open(thief)).rejects.toMatchObject({ code: 'ADDRESS_TAKEN' })
  })

  it('makes addresses of its own where none are given', async () => {
    const own = await host.process.call<NetworkInspect>('inspectNetwork', 'own')
    expect(own.IPAM.Config[1]?.Subnet).toMatch(/^fd[0-9a-f]{2}:.*::\/64$/)
  })

  it('lets containers out with the host’s address, and keeps networks apart', async () => {
    const one = await open(sandboxRequest('one', on('six')))
    const other = await open(sandboxRequest('two', on('own')))
    await lab.serve(lab.wire, 'outside', 8000, '::')
    expect(await fetchText(netns(one), `[${lab.wireAddress6}]:8000`)).toBe(`outside ${HOST6}`)
    expect(await pings(netns(one), address6(other, 'own'))).toBe(false)
    const route = ['route', 'add', `${address6(one, 'six')}/128`, 'via', HOST6]
    await inside(lab.wire, 'ip', '-6', ...route)
    expect(await pings(lab.wire, address6(one, 'six'))).toBe(false)
  })

  it('publishes ports on both families, with the client’s address kept, and for the container itself', async () => {
    const web = await open(sandboxRequest('web', on('six', {}, { portBindings: { '80/tcp': [{ HostPort: '8060' }] } })))
    expect(web.ports['80/tcp']).toEqual([
      { HostIp: '0.0.0.0', HostPort: '8060' },
      { HostIp: '::', HostPort: '8060' },
    ])
    await lab.serve(netns(web), 'web', 80, '::')
    expect(await fetchText(lab.wire, `${host.address}:8060`)).toBe(`web ${lab.wireAddress}`)
    expect(await fetchText(lab.wire, `[${HOST6}]:8060`)).toBe(`web ${lab.wireAddress6}`)
    expect(await fetchText(host.netns, '127.0.0.1:8060')).toMatch(/^web /)
    expect(await fetchText(host.netns, '[::1]:8060')).toMatch(/^web /)
    expect(await fetchText(netns(web), `[${HOST6}]:8060`)).toMatch(/^web /)
  })

  it('relays IPv6 to containers that have IPv4 alone: connections and datagrams', async () => {
    const portBindings = { '80/tcp': [{ HostPort: '8061' }], '53/udp': [{ HostIp: '::', HostPort: '8062' }] }
    const plain = await open(sandboxRequest('plain', { portBindings }))
    await lab.serve(netns(plain), 'plain')
    expect(await fetchText(lab.wire, `[${HOST6}]:8061`)).toMatch(/^plain 172\./)
    expect(await fetchText(host.netns, '[::1]:8061')).toMatch(/^plain 172\./)
    const echo =
      "const s = require('dgram').createSocket('udp4'); s.on('message', (m, f) => s.send('echo ' + m, f.port, f.address)); s.bind(53, () => console.log('ready'))"
    await lab.spawn(netns(plain), process.execPath, '-e', echo)
    const ask = `const s = require('dgram').createSocket('udp6'); s.on('message', m => { console.log(String(m)); s.close() }); s.send('hello', 8062, '${HOST6}'); setTimeout(() => process.exit(), 3000).unref()`
    expect((await inside(lab.wire, process.execPath, '-e', ask)).stdout.trim()).toBe('echo hello')
  })

  it('publishes on one address of one family alone', async () => {
    const portBindings = { '80/tcp': [{ HostIp: HOST6, HostPort: '8063' }] }
    const web = await open(sandboxRequest('narrow', on('six', {}, { portBindings })))
    await lab.serve(netns(web), 'narrow', 80, '::')
    expect(await fetchText(lab.wire, `[${HOST6}]:8063`)).toBe(`narrow ${lab.wireAddress6}`)
    expect(await fetchText(lab.wire, `${host.address}:8063`)).toBe('')
    const again = sandboxRequest('rival', on('six', {}, { portBindings }))
    await expect(open(again)).rejects.toMatchObject({
      message: expect.stringMatching(/Bind for fd77:77::1:8063 failed: port is already allocated$/),
    })
  })

  it('has no IPv6 on networks without, gains it by joining one, and loses it by leaving', async () => {
    const sandbox = await open(sandboxRequest('grows'))
    const addresses = async (): Promise<string> => (await inside(netns(sandbox), 'ip', '-6', '-o', 'address')).stdout
    const id = basename(netns(sandbox))
    expect(await addresses()).toBe('')
    await host.process.call('connect', 'six', id, { IPAMConfig: { IPv6Address: 'fd60::77' } })
    expect(await addresses()).toContain('fd60::77/64')
    expect(await pings(netns(sandbox), 'fd60::99')).toBe(true)
    await host.process.call('disconnect', 'six', id)
    expect(await addresses()).toBe('')
    expect((await inside(netns(sandbox), 'ip', '-6', 'route')).stdout).toBe('')
  })

  it('takes no routes from containers, and none for them', async () => {
    const sandbox = await open(sandboxRequest('listener', on('six')))
    const accepts = await inside(netns(sandbox), 'cat', '/proc/sys/net/ipv6/conf/eth0/accept_ra')
    expect(accepts.stdout).toBe('0\n')
    const { stdout } = await inside(host.netns, 'sh', '-c', 'cat /proc/sys/net/ipv6/conf/shoal-*/accept_ra')
    expect(new Set(stdout.trim().split('\n'))).toEqual(new Set(['0']))
  })

  it('relays everything where it may not write rules', async () => {
    const bare = await lab.addHost()
    await bare.process.call('openStackWithoutRules', bare.folder)
    const request = sandboxRequest('bare', { portBindings: { '80/tcp': [{ HostPort: '8064' }] } })
    const sandbox = await bare.process.call<Sandbox>('open', request)
    await lab.serve(netns(sandbox), 'bare')
    expect(await fetchText(lab.wire, `${bare.address}:8064`)).toMatch(/^bare 172\./)
    expect((await inside(bare.netns, 'nft', 'list', 'ruleset')).stdout).toBe('')
    await bare.process.call('close', request.containerId)
    expect(await fetchText(lab.wire, `${bare.address}:8064`)).toBe('')
  })
})
