import { describe, it } from 'vitest'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { IDLE } from '../support/idle.ts'
import { twoEngines } from '../support/two-engines.ts'

const { agree } = twoEngines({ subnet: 229, images: [await busyboxArchive()] })
const NET = { Config: [{ Subnet: '10.97.0.0/24', Gateway: '10.97.0.1' }] }

describe('a network', () => {
  it.each([
    [{ Driver: 'host' }],
    [{ Driver: 'overlay' }],
    [{ Driver: 'macvlan', Options: { parent: 'nosuch' } }],
    [{ Driver: 'macvlan', Options: { macvlan_mode: 'nosuch' } }],
    [{ IPAM: { Config: [{ Subnet: '172.17.0.0/16' }] } }],
    [{ IPAM: { Config: [{ Subnet: '10.97.0.0/24', IPRange: '10.96.0.0/24' }] } }],
    [{ IPAM: { Config: [{ Subnet: '10.97.0.0/24', Gateway: '10.96.0.1' }] } }],
    [{ IPAM: { Config: [{ Subnet: '10.97.0.0/24', AuxiliaryAddresses: { a: '10.97.0.5' } }] } }],
    [{ IPAM: NET, Options: { 'com.docker.network.driver.mtu': 'x' } }],
    [{ IPAM: NET, Options: { 'com.docker.network.bridge.nosuch': '1' } }],
    [{ IPAM: NET, Attachable: true, Labels: { a: 'b' } }],
    [{ IPAM: NET, Ingress: true }],
    [{ IPAM: NET, Scope: 'swarm' }],
    [{ IPAM: NET, ConfigOnly: true }],
    [{ ConfigFrom: { Network: 'nosuch' } }],
    [{ EnableIPv6: true }],
    [{ IPAM: { Config: [...NET.Config, { Subnet: 'fd00:97::/64', Gateway: 'fd00:97::1' }] }, EnableIPv6: true }],
  ])('is made or refused the same: %j', wish =>
    agree(async script => {
      const title = `make a network ${JSON.stringify(wish)}`
      await script.ask('POST', '/networks/create', { body: { Name: 'made', ...wish }, title })
      await script.ask('GET', '/networks/made', { title: `inspect ${title}` })
    }),
  )

  it('is joined, listed and left the same', () =>
    agree(async script => {
      for (const [index, Name] of ['one', 'two'].entries()) {
        const IPAM = { Config: [{ Subnet: `10.9${index}.0.0/24`, Gateway: `10.9${index}.0.1` }] }
        await script.quietly('POST', '/networks/create', { Name, IPAM })
      }
      await script.quietly('POST', '/containers/create?name=joiner', { ...IDLE, HostConfig: { NetworkMode: 'one' } })
      await script.quietly('POST', '/containers/joiner/start')
      const join = (network: string, body: unknown): Promise<unknown> =>
        script.ask('POST', `/networks/${network}/connect`, { body, title: `join ${network} ${JSON.stringify(body)}` })
      await join('one', {})
      await join('one', { Container: 'joiner' })
      await join('nosuch', { Container: 'joiner' })
      await join('host', { Container: 'joiner' })
      await join('none', { Container: 'joiner' })
      await join('two', { Container: 'joiner', EndpointConfig: { IPAMConfig: { IPv4Address: '9.9.9.9' } } })
      const MacAddress = '02:00:00:00:00:09'
      await join('two', {
        Container: 'joiner',
        EndpointConfig: { IPAMConfig: { IPv4Address: '10.91.0.9' }, MacAddress, Aliases: ['also'] },
      })
      await script.ask('GET', '/containers/joiner/json', { title: 'inspect a member of two' })
      await script.ask('GET', '/networks/two')
      await script.ask('DELETE', '/networks/two', { title: 'remove a network in use' })
      for (const filters of [
        '{"type":["custom"]}',
        '{"type":["builtin"]}',
        '{"dangling":["true"]}',
        '{"name":["wo"]}',
      ]) {
        const found: unknown = await script.quietly('GET', `/networks?filters=${encodeURIComponent(filters)}`)
        script.tell(`networks ${filters}`, (found as { Name: string }[]).map(({ Name }) => Name).toSorted())
      }
      await script.ask('GET', '/networks?filters={"type":["x"]}')
      await script.ask('POST', '/networks/two/disconnect', {
        body: { Container: 'joiner', Force: true },
        title: 'leave',
      })
      await script.ask('POST', '/networks/prune')
    }))
})

describe('a volume', () => {
  it.each([
    [{ Driver: 'local' }],
    [{ DriverOpts: { type: 'tmpfs', device: 'tmpfs' }, Labels: { a: 'b' } }],
    [{ DriverOpts: { type: 'tmpfs' } }],
    [{ DriverOpts: { o: 'bind' } }],
    [{ DriverOpts: { device: '/nosuch', o: 'bind', type: 'none' } }],
    [{ DriverOpts: { size: '1m' } }],
    [{ Name: 'a/b' }],
    [{ Name: 'a' }],
  ])('is made or refused the same: %j', wish =>
    agree(async script => {
      const title = `make a volume ${JSON.stringify(wish)}`
      await script.ask('POST', '/volumes/create', { body: { Name: 'made', ...wish }, title })
      await script.ask('GET', '/volumes/made', { title: `inspect ${title}` })
    }),
  )

  it('that exists is made again, listed, used and removed the same', () =>
    agree(async script => {
      const again = (wish: object): Promise<unknown> =>
        script.ask('POST', '/volumes/create', {
          body: { Name: 'twice', ...wish },
          title: `again ${JSON.stringify(wish)}`,
        })
      await again({ Labels: { a: 'b' } })
      await again({ Labels: { c: 'd' } })
      await again({ DriverOpts: { type: 'tmpfs', device: 'tmpfs' } })
      await script.quietly('POST', '/containers/create?name=user', { ...IDLE, HostConfig: { Binds: ['twice:/d'] } })
      for (const filters of ['{"name":["wic"]}', '{"driver":["local"]}', '{"driver":["x"]}', '{"dangling":["x"]}']) {
        await script.ask('GET', `/volumes?filters=${filters}`)
      }
      await script.ask('DELETE', '/volumes/twice?force=1', { title: 'remove by force what is used' })
    }))
})

it('a driver that is not there is named the same, whatever it is for', () =>
  agree(async script => {
    const wishes = [
      ['/networks/create', { Name: 'made', Driver: 'nosuch' }],
      ['/networks/create', { Name: 'made', IPAM: { Driver: 'nosuch' } }],
      ['/volumes/create', { Name: 'made', Driver: 'nosuch' }],
      ['/containers/create', { ...IDLE, HostConfig: { LogConfig: { Type: 'nosuch' } } }],
      ['/containers/create', { ...IDLE, HostConfig: { VolumeDriver: 'nosuch', Binds: ['v:/v'] } }],
    ] as const
    // Docker looks for a plugin of that name for a quarter of a minute.
    const answers = await Promise.all(wishes.map(([path, body]) => script.quietly('POST', path, body)))
    for (const [index, [path, body]] of wishes.entries()) {
      script.tell(`without a driver: ${path} ${JSON.stringify(body)}`, answers[index])
    }
  }))
