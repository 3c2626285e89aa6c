import { describe, it } from 'vitest'
import { busyboxArchive } from '../support/busybox-image.ts'
import { IDLE } from './support/idle.ts'
import { twoEngines } from './support/two-engines.ts'

const image = await busyboxArchive({ config: { Labels: { made: 'here' }, ExposedPorts: { '80/tcp': {} } } })
const { agree } = twoEngines({ subnet: 219, images: [image] })

describe('what an engine says of itself', () => {
  it('is the same', () =>
    agree(async script => {
      await script.ask('GET', '/_ping')
      await script.ask('GET', '/version')
      await script.ask('GET', '/info')
    }))
})

describe('a container', () => {
  it('looks the same before, while and after it runs', () =>
    agree(async script => {
      await script.ask('POST', '/containers/create?name=web', { body: IDLE })
      await script.ask('GET', '/containers/web/json', { title: 'inspect a created container' })
      await script.ask('GET', '/containers/json?all=1')
      await script.ask('POST', '/containers/web/start')
      await script.ask('POST', '/containers/web/start', { title: 'start what runs' })
      await script.ask('GET', '/containers/web/json', { title: 'inspect a running container' })
      await script.ask('GET', '/containers/json', { title: 'list running containers' })
      await script.ask('POST', '/containers/web/pause')
      await script.ask('POST', '/containers/web/pause', { title: 'pause what is paused' })
      await script.ask('GET', '/containers/web/json', { title: 'inspect a paused container' })
      await script.ask('POST', '/containers/web/unpause')
      await script.ask('POST', '/containers/web/unpause', { title: 'unpause what is not paused' })
      const { Titles } = await script.quietly('GET', '/containers/web/top')
      script.tell('titles of top', Titles)
      await script.ask('POST', '/containers/web/stop')
      await script.ask('POST', '/containers/web/stop', { title: 'stop what is stopped' })
      await script.ask('POST', '/containers/web/kill', { title: 'kill what is stopped' })
      await script.ask('GET', '/containers/web/json', { title: 'inspect a stopped container' })
      await script.ask('DELETE', '/containers/web')
      await script.ask('DELETE', '/containers/web', { title: 'remove what is removed' })
    }))

  it('looks the same with many fields', () =>
    agree(async script => {
      await script.ask('POST', '/containers/create?name=full', {
        body: {
          ...IDLE,
          Hostname: 'h',
          Domainname: 'd.example',
          User: 'web',
          Env: ['A=1', 'B'],
          Labels: { x: 'y' },
          WorkingDir: '/work',
          Tty: true,
          OpenStdin: true,
          StopTimeout: 3,
          ExposedPorts: { '53/udp': {} },
          Volumes: { '/data': {} },
          Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 1e9, Timeout: 2e9, Retries: 4, StartPeriod: 5e9 },
          HostConfig: {
            Binds: ['named:/named:ro', '/etc:/host'],
            Mounts: [{ Type: 'tmpfs', Target: '/ram', TmpfsOptions: { SizeBytes: 65536, Mode: 0o1770 } }],
            Tmpfs: { '/more': 'size=1m' },
            PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18080' }] },
            RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
            Memory: 64 * 2 ** 20,
            MemoryReservation: 32 * 2 ** 20,
            NanoCpus: 5e8,
            PidsLimit: 50,
            CapAdd: ['NET_ADMIN'],
            CapDrop: ['MKNOD'],
            ReadonlyRootfs: true,
            Dns: ['9.9.9.9'],
            DnsSearch: ['example.org'],
            DnsOptions: ['ndots:2'],
            ExtraHosts: ['other:1.2.3.4'],
            Sysctls: { 'net.ipv4.ip_forward': '1' },
            Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
            ShmSize: 2 ** 20,
            Init: true,
            GroupAdd: ['33'],
            OomScoreAdj: 10,
            SecurityOpt: ['apparmor=unconfined', 'no-new-privileges'],
            LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
          },
        },
      })
      await script.ask('GET', '/containers/full/json', { title: 'inspect a created container with many fields' })
      await script.ask('POST', '/containers/full/start')
      await script.ask('GET', '/containers/full/json', { title: 'inspect a running container with many fields' })
      await script.ask('GET', '/containers/json?size=1', { title: 'list with sizes' })
    }))
})

describe('an image', () => {
  it('looks the same when listed, inspected, tagged and removed', () =>
    agree(async script => {
      await script.ask('GET', '/images/json')
      await script.ask('GET', '/images/busybox:test/json', { title: 'inspect an image' })
      await script.ask('GET', '/images/busybox:test/history')
      await script.ask('POST', '/images/busybox:test/tag?repo=team/other&tag=2')
      await script.ask('GET', '/images/json?filters={"reference":["team/*"]}')
      await script.ask('GET', '/images/json?filters={"label":["made=here"],"dangling":["false"]}', {
        title: 'filter images',
      })
      await script.ask('DELETE', '/images/team/other:2')
      await script.ask('POST', '/images/prune')
    }))
})

describe('a network', () => {
  it('looks the same with and without members', () =>
    agree(async script => {
      await script.ask('GET', '/networks/bridge', { title: 'inspect the bridge' })
      await script.ask('GET', '/networks/none')
      await script.ask('GET', '/networks/host')
      const IPAM = { Config: [{ Subnet: '10.98.0.0/24', Gateway: '10.98.0.254', IPRange: '10.98.0.64/26' }] }
      const wish = {
        Name: 'front',
        Internal: true,
        Labels: { a: 'b' },
        IPAM,
        Options: { 'com.docker.network.driver.mtu': '1400' },
      }
      await script.ask('POST', '/networks/create', { body: wish, title: 'create a network' })
      await script.ask('POST', '/networks/create', { body: wish, title: 'create it again' })
      await script.quietly('POST', '/containers/create?name=member', IDLE)
      await script.ask('POST', '/networks/front/connect', {
        body: { Container: 'member', EndpointConfig: { Aliases: ['m'], IPAMConfig: { IPv4Address: '10.98.0.77' } } },
      })
      await script.quietly('POST', '/containers/member/start')
      await script.ask('GET', '/networks/front', { title: 'inspect a network with a member' })
      await script.ask('GET', '/networks?filters={"name":["front"],"driver":["bridge"]}', { title: 'filter networks' })
      await script.ask('GET', '/containers/member/json', { title: 'inspect a member' })
      await script.ask('GET', '/containers/json?filters={"network":["front"]}', {
        title: 'filter containers by network',
      })
      await script.ask('POST', '/networks/front/disconnect', { body: { Container: 'member' } })
      await script.ask('POST', '/networks/front/disconnect', {
        body: { Container: 'nosuch' },
        title: 'disconnect nobody',
      })
      await script.ask('DELETE', '/networks/front')
    }))
})

describe('a volume', () => {
  it('looks the same from its creation to its removal', () =>
    agree(async script => {
      const wish = { Name: 'data', Labels: { a: 'b' }, DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } }
      await script.ask('POST', '/volumes/create', { body: wish, title: 'create a volume' })
      await script.ask('POST', '/volumes/create', { body: wish, title: 'create it again' })
      await script.ask('GET', '/volumes/data')
      await script.quietly('POST', '/containers/create?name=user', { ...IDLE, HostConfig: { Binds: ['data:/d'] } })
      await script.ask('GET', '/volumes?filters={"dangling":["false"],"label":["a=b"]}', { title: 'filter volumes' })
      await script.ask('DELETE', '/volumes/data', { title: 'remove what is used' })
      await script.quietly('DELETE', '/containers/user')
      await script.ask('DELETE', '/volumes/data')
    }))
})

describe('an exec', () => {
  it('looks the same before and after it runs', () =>
    agree(async script => {
      await script.quietly('POST', '/containers/create?name=box', IDLE)
      await script.ask('POST', '/containers/box/exec', { body: { Cmd: ['true'] }, title: 'exec in what does not run' })
      await script.quietly('POST', '/containers/box/start')
      await script.ask('POST', '/containers/box/exec', { body: {}, title: 'exec of nothing' })
      const wish = { Cmd: ['sh', '-c', 'exit 5'], Env: ['A=b'], User: 'web', WorkingDir: '/tmp', AttachStdout: true }
      const id = String((await script.quietly('POST', '/containers/box/exec', wish))['Id'])
      await script.ask('GET', `/exec/${id}/json`, { title: 'inspect an exec' })
      await script.quietly('POST', `/exec/${id}/start`, { Detach: false, Tty: false })
      await script.ask('GET', `/exec/${id}/json`, { title: 'inspect an ended exec' })
      await script.ask('POST', `/exec/${id}/start`, { body: { Detach: false, Tty: false }, title: 'start it again' })
      await script.ask('POST', `/exec/${id}/resize?h=10&w=10`, { title: 'resize an ended exec' })
    }))
})

describe('a list of containers', () => {
  it.each([
    '{"name":["^/a"]}',
    '{"name":["a1"]}',
    '{"status":["created"]}',
    '{"status":["running","exited"]}',
    '{"status":["nosuch"]}',
    '{"label":["x"]}',
    '{"label":["x=1","y"]}',
    '{"label":["x=2"]}',
    '{"ancestor":["busybox:test"]}',
    '{"ancestor":["nosuch"]}',
    '{"exited":["3"]}',
    '{"exited":["x"]}',
    '{"health":["none"]}',
    '{"health":["nosuch"]}',
    '{"is-task":["false"]}',
    '{"publish":["80"]}',
    '{"volume":["/d"]}',
    '{"volume":["kept"]}',
    '{"network":["none"]}',
    '{"before":["a2"]}',
    '{"since":["a1"]}',
    '{"since":["nosuch"]}',
    '{"isolation":["default"]}',
    '{"name":{"a1":true}}',
  ])('is filtered the same by %s', filters =>
    agree(async script => {
      await script.quietly('POST', '/containers/create?name=a1', { ...IDLE, Labels: { x: '1', y: '' } })
      const bound = { Binds: ['kept:/d'], NetworkMode: 'none' }
      await script.quietly('POST', '/containers/create?name=a2', {
        ...IDLE,
        Cmd: ['sh', '-c', 'exit 3'],
        HostConfig: bound,
      })
      await script.quietly('POST', '/containers/a2/start')
      await script.quietly('POST', '/containers/a2/wait')
      await script.quietly('POST', '/containers/create?name=b1', { ...IDLE, HostConfig: { NetworkMode: 'none' } })
      await script.quietly('POST', '/containers/b1/start')
      const found = await script.quietly('GET', `/containers/json?all=1&filters=${encodeURIComponent(filters)}`)
      script.tell('names', Array.isArray(found) ? (found as { Names: unknown }[]).map(({ Names }) => Names) : found)
    }),
  )
})

describe('an error', () => {
  it.each([
    ['GET', '/containers/nosuch/json'],
    ['GET', '/nosuch'],
    ['POST', '/containers/nosuch/start'],
    ['POST', '/containers/nosuch/stop'],
    ['POST', '/containers/nosuch/kill'],
    ['DELETE', '/containers/nosuch'],
    ['GET', '/containers/nosuch/logs?stdout=1'],
    ['GET', '/containers/nosuch/archive?path=/'],
    ['GET', '/containers/nosuch/stats?stream=0'],
    ['GET', '/images/nosuch/json'],
    ['DELETE', '/images/nosuch'],
    ['POST', '/images/nosuch/tag?repo=a'],
    ['GET', '/images/nosuch/history'],
    ['GET', '/networks/nosuch'],
    ['DELETE', '/networks/nosuch'],
    ['DELETE', '/networks/bridge'],
    ['GET', '/volumes/nosuch'],
    ['DELETE', '/volumes/nosuch'],
    ['GET', '/exec/nosuch/json'],
    ['POST', '/containers/create', {}],
    ['POST', '/containers/create', { Image: 'nosuch:1' }],
    ['POST', '/containers/create?platform=linux/s390x', IDLE],
    ['POST', '/containers/create?platform=plan10', IDLE],
    ['POST', '/containers/create?platform=linux/a$', IDLE],
    ['POST', '/containers/create?name=!!', IDLE],
    ['POST', '/containers/create', { ...IDLE, HostConfig: { NetworkMode: 'nosuch' } }],
    ['POST', '/containers/create', { ...IDLE, HostConfig: { Binds: ['relative'] } }],
    ['POST', '/containers/create', { ...IDLE, HostConfig: { Binds: ['/a:/b:zz'] } }],
    ['POST', '/containers/create', { ...IDLE, HostConfig: { Memory: 1000 } }],
    ['POST', '/containers/create', { ...IDLE, HostConfig: { NanoCpus: 1e15 } }],
    ['POST', '/containers/create', { ...IDLE, HostConfig: { RestartPolicy: { Name: 'sometimes' } } }],
    ['POST', '/containers/create', { ...IDLE, HostConfig: { CapAdd: ['NOSUCH'] } }],
    ['POST', '/containers/create', { ...IDLE, HostConfig: { ShmSize: -1 } }],
    ['POST', '/containers/create', { ...IDLE, StopSignal: 'SIGNOSUCH' }],
    ['POST', '/containers/create', { ...IDLE, WorkingDir: 'relative' }],
    ['GET', '/containers/json?filters=notjson'],
    ['GET', '/containers/json?filters={"nosuch":["a"]}'],
    ['GET', '/containers/json?limit=abc'],
    ['GET', '/images/json?filters={"nosuch":["a"]}'],
    ['GET', '/networks?filters={"nosuch":["a"]}'],
    ['GET', '/volumes?filters={"nosuch":["a"]}'],
    ['POST', '/networks/create', { Name: 'bridge' }],
    ['POST', '/networks/create', { Name: '' }],
    ['POST', '/networks/create', { Name: 'n', IPAM: { Config: [{ Subnet: '10.0.0.0' }] } }],
    ['POST', '/volumes/create', { Name: '!!' }],
    ['POST', '/volumes/create', { Name: 'v', DriverOpts: { nosuch: '1' } }],
    ['POST', '/images/create?fromImage=UPPER'],
    ['POST', '/containers/prune?filters={"nosuch":["a"]}'],
  ] as const)('of %s %s %j is the same', (method, path, body?: unknown) =>
    agree(async script => {
      const title = `${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`
      await script.ask(method, path, { title, ...(body === undefined ? {} : { body }) })
    }),
  )
})
