import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sandbox, SandboxRequest } from '../../../src/runtime/ports.ts'
import { fetchText, inside, Lab, type LabHost, pings, run, sandboxRequest } from './lab.ts'

const isRoot = process.getuid?.() === 0
const option = (name: string): string => `com.docker.network.${name}`

describe.skipIf(!isRoot)('options of networks (needs root)', () => {
  const lab = new Lab()
  let host: LabHost
  const open = (request: SandboxRequest): Promise<Sandbox> => host.process.call<Sandbox>('open', request)
  const netns = (sandbox: Sandbox): string => sandbox.netnsPath ?? 'no namespace'
  const idOf = (sandbox: Sandbox): string => basename(netns(sandbox))
  const on = (network: string, config = {}): Partial<SandboxRequest> => ({
    networkMode: network,
    endpoints: { [network]: config },
  })
  const addressOf = (sandbox: Sandbox, network: string): string => sandbox.networks[network]?.IPAddress ?? ''
  const network = (Name: string, Options: Readonly<Record<string, string>>, more = {}): Promise<unknown> =>
    host.process.call('createNetwork', { Name, Options, ...more })

  beforeAll(async () => {
    await lab.open()
    host = await lab.addHost()
    await host.process.call('openStack', host.folder)
  })
  afterAll(() => lab.close())

  it('keeps containers of one network from each other, but not from the world', async () => {
    await network('islands', { [option('bridge.enable_icc')]: 'false' })
    const [one, two] = [
      await open(sandboxRequest('one', on('islands'))),
      await open(sandboxRequest('two', on('islands'))),
    ]
    expect(await pings(netns(one), addressOf(two, 'islands'))).toBe(false)
    expect(await pings(netns(one), lab.wireAddress)).toBe(true)
  })

  it('shows containers’ own addresses outside, sets the MTU, and names devices', async () => {
    await network('bare', {
      [option('bridge.enable_ip_masquerade')]: 'false',
      [option('driver.mtu')]: '1400',
      [option('container_iface_prefix')]: 'lan',
    })
    const sandbox = await open(sandboxRequest('bare', on('bare')))
    const address = addressOf(sandbox, 'bare')
    await inside(lab.wire, 'ip', 'route', 'add', address.replace(/\d+$/, '0/24'), 'via', host.address)
    await lab.serve(lab.wire, 'outside', 8000)
    expect(await fetchText(netns(sandbox), '10.77.0.254:8000')).toBe(`outside ${address}`)
    expect((await inside(netns(sandbox), 'ip', '-o', 'link')).stdout).toMatch(/ lan0@.* mtu 1400 /)
  })

  it('publishes on the network’s own host address unless another is given', async () => {
    await network('local', { [option('bridge.host_binding_ipv4')]: '127.0.0.1' })
    const request = sandboxRequest('local', { ...on('local'), portBindings: { '80/tcp': [{ HostPort: '8070' }] } })
    const sandbox = await open(request)
    expect(sandbox.ports['80/tcp']).toEqual([{ HostIp: '127.0.0.1', HostPort: '8070' }])
    await lab.serve(netns(sandbox), 'local')
    expect(await fetchText(host.netns, '127.0.0.1:8070')).toMatch(/^local /)
    expect(await fetchText(lab.wire, `${host.address}:8070`)).toBe('')
  })

  it('uses a bridge that is there, and leaves it when the network goes', async () => {
    await inside(host.netns, 'ip', 'link', 'add', 'mine', 'type', 'bridge')
    await network('theirs', { [option('bridge.name')]: 'mine' })
    await network('ours', { [option('bridge.name')]: 'made' })
    await host.process.call('removeNetwork', 'theirs')
    await host.process.call('removeNetwork', 'ours')
    const { stdout } = await inside(host.netns, 'ip', '-o', 'link')
    expect(stdout).toContain(': mine:')
    expect(stdout).not.toContain(': made:')
    await expect(network('wrong', { [option('bridge.name')]: 'eth0' })).rejects.toMatchObject({
      message: 'existing interface eth0 is not a bridge',
    })
  })

  it('chooses addresses from the range, past those of others, until there is none', async () => {
    const Config = [{ Subnet: '10.61.0.0/24', IPRange: '10.61.0.8/30', AuxiliaryAddresses: { router: '10.61.0.9' } }]
    await network('narrow', {}, { IPAM: { Config } })
    const given: string[] = []
    for (const name of ['r1', 'r2', 'r3'])
      given.push(addressOf(await open(sandboxRequest(name, on('narrow'))), 'narrow'))
    expect(given.sort()).toEqual(['10.61.0.10', '10.61.0.11', '10.61.0.8'])
    await expect(open(sandboxRequest('r4', on('narrow')))).rejects.toMatchObject({ code: 'NO_FREE_ADDRESS' })
    const outside = sandboxRequest('r5', on('narrow', { IPAMConfig: { IPv4Address: '10.61.0.200' } }))
    expect(addressOf(await open(outside), 'narrow')).toBe('10.61.0.200')
  })

  it('gives an endpoint the MAC address, further addresses and kernel parameters it asks for', async () => {
    await network('exact', {})
    const sandbox = await open(
      sandboxRequest(
        'exact',
        on('exact', {
          MacAddress: '02:42:AA:BB:CC:DD',
          IPAMConfig: { LinkLocalIPs: ['169.254.9.9'] },
          DriverOpts: { [option('endpoint.sysctls')]: 'net.ipv4.conf.IFNAME.log_martians=1' },
        }),
      ),
    )
    expect(sandbox.networks['exact']?.MacAddress).toBe('02:42:aa:bb:cc:dd')
    const { stdout } = await inside(netns(sandbox), 'ip', 'address', 'show', 'eth0')
    expect(stdout).toContain('02:42:aa:bb:cc:dd')
    expect(stdout).toContain('169.254.9.9/16')
    const martians = await inside(netns(sandbox), 'cat', '/proc/sys/net/ipv4/conf/eth0/log_martians')
    expect(martians.stdout).toBe('1\n')
  })

  it('stands containers on the host’s own network, where they are nobody’s neighbours but the host’s', async () => {
    const Config = [{ Subnet: '10.77.0.0/24', Gateway: '10.77.0.254', IPRange: '10.77.0.192/27' }]
    const Driver = 'macvlan'
    await host.process.call('createNetwork', { Name: Driver, Driver, Options: { parent: 'eth0' }, IPAM: { Config } })
    const one = await open(sandboxRequest('lan-1', { ...on(Driver), portBindings: { '80/tcp': [{}] } }))
    const two = await open(sandboxRequest('lan-2', on(Driver, { Aliases: ['second'] })))
    expect(one.ports).toEqual({})
    expect(await pings(netns(one), lab.wireAddress)).toBe(true)
    expect(await pings(lab.wire, addressOf(one, Driver))).toBe(true)
    expect(await pings(netns(one), addressOf(two, Driver))).toBe(true)
    const { stdout } = await inside(netns(one), 'busybox', 'nslookup', '-type=a', 'second', '127.0.0.11')
    expect(stdout).toContain(`Address: ${addressOf(two, Driver)}`)
    await host.process.call('disconnect', Driver, idOf(two))
    expect((await inside(netns(two), 'ip', '-o', 'link')).stdout).toMatch(/^1: lo[^\n]*\n$/)
    await host.process.call('connect', Driver, idOf(two))
    expect(await pings(netns(two), lab.wireAddress)).toBe(true)
    await expect(
      host.process.call('createNetwork', { Name: 'x', Driver: 'macvlan', Options: { parent: 'nodev' } }),
    ).rejects.toMatchObject({ code: 'NO_PARENT' })
  })

  it('makes the device of a VLAN that a network stands on, and takes it away with the last one', async () => {
    const create = (Name: string, parent: string, Subnet: string) =>
      host.process.call('createNetwork', {
        Name,
        Driver: 'macvlan',
        Options: { parent },
        IPAM: { Config: [{ Subnet }] },
      })
    const links = async () => (await run('ip', '-o', 'link')).stdout
    const failure: unknown = await create('vlan', 'eth0.50', '10.78.0.0/24').catch((error: unknown) => error)
    if (failure instanceof Error) {
      // Here is no 802.1q: it says so, and nothing is left of the attempt.
      expect(failure.message).toMatch(/^failed to create eth0\.50 vlan link: .*: load the module 8021q$/)
      expect(JSON.stringify(await host.process.call('listNetworks'))).not.toContain('"vlan"')
    } else {
      await create('beside', 'eth0.50', '10.79.0.0/24')
      await host.process.call('removeNetwork', 'vlan')
      expect(await links()).toContain('eth0.50@eth0')
      await host.process.call('removeNetwork', 'beside')
    }
    expect(await links()).not.toContain('eth0.50')
  })

  it.each([
    ['nodev.50', 'failed to find master interface nodev on the Docker host'],
    ['eth0.4095', 'vlan id must be between 1-4094, received: 4095'],
    ['eth0.x', 'unable to parse a valid vlan id from: eth0.x'],
    ['eth0.1.2', 'required interface name format is: name.vlan_id'],
    ['nodev', 'invalid subinterface vlan name nodev'],
  ])('makes no device of the name %s', async (parent, message) => {
    await expect(
      host.process.call('createNetwork', { Name: 'x', Driver: 'macvlan', Options: { parent } }),
    ).rejects.toMatchObject({ code: 'NO_PARENT', message: expect.stringContaining(message) })
  })

  it('keeps what a container wrote into its files when its networks change', async () => {
    await network('side', {})
    const sandbox = await open(sandboxRequest('writer', on('side')))
    await run('sh', '-c', `echo '1.2.3.4 mine' >> ${sandbox.files.hosts}; echo '# mine' >> ${sandbox.files.resolvConf}`)
    await host.process.call('connect', 'bridge', idOf(sandbox))
    const side = addressOf(sandbox, 'side')
    await host.process.call('disconnect', 'side', idOf(sandbox))
    const { stdout: hosts } = await run('cat', sandbox.files.hosts)
    expect(hosts).toContain('1.2.3.4 mine\n')
    expect(hosts).not.toContain(side)
    expect((await run('cat', sandbox.files.resolvConf)).stdout).toContain('# mine\n')
    expect(await pings(netns(sandbox), lab.wireAddress)).toBe(true)
  })
})
