import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EndpointRecord, NetworkRecord } from '../../../src/core/model/node.ts'
import type { ServiceRecord } from '../../../src/core/model/task.ts'
import { clusterKeys } from '../../../src/discovery/index.ts'
import type { ClaimedAddress } from '../../../src/node-agent/index.ts'
import type { Sandbox } from '../../../src/runtime/ports.ts'
import {
  eventually,
  fetchText,
  HostProcess,
  inside,
  Lab,
  type LabHost,
  pings,
  resolveName,
  run,
  sandboxRequest,
} from './lab.ts'

const isRoot = process.getuid?.() === 0
const keys = clusterKeys('lab')
const NET: NetworkRecord = {
  name: 'shop_default',
  project: 'shop',
  vni: 4711,
  subnet: '10.200.7.0/24',
  internal: false,
  labels: {},
}
const WEB: ServiceRecord = {
  id: 'shop.web',
  project: 'shop',
  specHash: 'x',
  createdAtMs: 1,
  updatedAtMs: 1,
  spec: {
    name: 'web',
    replicas: 3,
    container: { image: 'web' },
    limits: {},
    reservations: {},
    constraints: [],
    networks: [{ network: NET.name, aliases: [] }],
    ports: [{ target: 80, published: 8080, protocol: 'tcp', mode: 'ingress' }],
    restart: { condition: 'any' },
    dependsOn: [],
  },
}

describe.skipIf(!isRoot)('overlay over three hosts (needs root and etcd)', () => {
  const lab = new Lab()
  const hosts: LabHost[] = []
  const replicas: { sandbox: Sandbox; address: string; gateway: string; taskId: string }[] = []
  let etcdEndpoint: string

  const openHost = async (host: LabHost): Promise<void> => {
    await host.process.call('openStack', host.folder)
    await host.process.call('openOverlay', host.name, host.address, etcdEndpoint)
  }

  beforeAll(async () => {
    await lab.open()
    etcdEndpoint = `${lab.wireAddress}:2379`
    const urls = ['--listen-client-urls', `http://${etcdEndpoint}`, '--advertise-client-urls', `http://${etcdEndpoint}`]
    const etcd = spawn('nsenter', [`--net=${lab.wire}`, 'etcd', '--data-dir', join(lab.folder, 'etcd'), ...urls], {
      stdio: 'ignore',
    })
    lab.keep(etcd)
    for (let number = 0; number < 3; number++) hosts.push(await lab.addHost())
    await eventually(
      () => inside(lab.wire, 'curl', '-s', `http://${etcdEndpoint}/health`),
      ({ stdout }) => stdout.includes('true'),
    )
    const etcdctl = (...command: string[]) => inside(lab.wire, 'etcdctl', '--endpoints', etcdEndpoint, ...command)
    await etcdctl('put', keys.network(NET.name), JSON.stringify(NET))
    await etcdctl('put', keys.service(WEB.id), JSON.stringify(WEB))
    await Promise.all(hosts.map(openHost))
  })
  afterAll(() => lab.close())

  /** A container of the service on a host, and an HTTP server in it. */
  const joinService = async (host: LabHost, slot: number) => {
    const name = `shop-web-${slot}`
    const taskId = `task${slot}`
    const claimed = await host.process.call<ClaimedAddress>('joinTask', NET, {
      taskId,
      serviceId: WEB.id,
      names: [name, 'web'],
    })
    const endpoint = { IPAMConfig: { IPv4Address: claimed.address }, MacAddress: claimed.mac }
    const sandbox = await host.process.call<Sandbox>(
      'open',
      sandboxRequest(name, { networkMode: NET.name, endpoints: { [NET.name]: endpoint } }),
    )
    await lab.serve(sandbox.netnsPath ?? '', name)
    const gateway = sandbox.networks[NET.name]?.Gateway ?? ''
    return { sandbox, address: claimed.address, gateway, taskId }
  }
  const netns = (replica: { sandbox: Sandbox } | undefined): string => replica?.sandbox.netnsPath ?? ''
  const lookUp = (from: number, name: string): Promise<string[]> =>
    resolveName(netns(replicas[from]), '127.0.0.11', name)

  it('connects containers on different hosts and resolves their names everywhere', async () => {
    for (const [index, host] of hosts.entries()) replicas.push(await joinService(host, index + 1))
    expect(new Set(replicas.map(({ address }) => address)).size).toBe(3)
    expect(new Set(replicas.map(({ gateway }) => gateway)).size).toBe(3)
    expect(await lookUp(0, 'shop-web-3')).toEqual([])
    await Promise.all(hosts.map((host, index) => host.process.call('publishTask', replicas[index]?.taskId, true)))
    const all = replicas.map(({ address }) => address).sort()
    for (const from of [0, 1, 2]) {
      expect(
        await eventually(
          () => lookUp(from, 'web'),
          found => found.length === 3,
        ),
      ).toEqual(all)
      for (const { address } of replicas) expect(await pings(netns(replicas[from]), address)).toBe(true)
    }
    expect(await lookUp(0, 'shop-web-3')).toEqual([replicas[2]?.address])
    expect(await fetchText(netns(replicas[0]), replicas[2]?.address ?? '')).toBe(`shop-web-3 ${replicas[0]?.address}`)
  })

  it('answers the published port on every host with every replica, from outside, from the host and on its loopback', async () => {
    const ask = async (from: string, address: string): Promise<string[]> => {
      const answers = new Set<string>()
      for (let turn = 0; turn < 40 && answers.size < 3; turn++)
        answers.add((await fetchText(from, address)).split(' ')[0] ?? '')
      return [...answers].sort()
    }
    const everyone = ['shop-web-1', 'shop-web-2', 'shop-web-3']
    for (const host of hosts) {
      expect(await ask(lab.wire, `${host.address}:8080`)).toEqual(everyone)
      expect(await ask(host.netns, '127.0.0.1:8080')).toEqual(everyone)
    }
    expect(await ask(hosts[0]?.netns ?? '', `${hosts[0]?.address}:8080`)).toEqual(everyone)
    expect(await ask(netns(replicas[1]), `${hosts[0]?.address}:8080`)).toEqual(everyone)
  })

  it('leaves a replica out of names and ingress when it is not healthy', async () => {
    await hosts[1]?.process.call('publishTask', 'task2', false)
    expect(
      await eventually(
        () => lookUp(0, 'web'),
        found => found.length === 2,
      ),
    ).not.toContain(replicas[1]?.address)
    expect(await lookUp(1, 'shop-web-2')).toEqual([])
    await hosts[1]?.process.call('publishTask', 'task2', true)
    expect(
      await eventually(
        () => lookUp(0, 'web'),
        found => found.length === 3,
      ),
    ).toHaveLength(3)
  })

  it('leaves out a host that is silent, and takes it back when it speaks again', async () => {
    hosts[2]?.process.signal('SIGSTOP')
    const without = await eventually(
      () => lookUp(0, 'web'),
      found => found.length === 2,
      30,
    )
    expect(new Set(without)).toEqual(new Set([replicas[0]?.address, replicas[1]?.address]))
    expect(
      await eventually(
        () => lookUp(1, 'web'),
        found => found.length === 2,
        30,
      ),
    ).toHaveLength(2)
    const answers = new Set<string>()
    for (let turn = 0; turn < 20; turn++)
      answers.add((await fetchText(lab.wire, `${hosts[0]?.address}:8080`)).split(' ')[0] ?? '')
    expect([...answers].sort()).toEqual(['shop-web-1', 'shop-web-2'])
    hosts[2]?.process.signal('SIGCONT')
    expect(
      await eventually(
        () => lookUp(0, 'web'),
        found => found.length === 3,
      ),
    ).toHaveLength(3)
  })

  it('cuts connections to a replica that is left out, instead of letting them hang', async () => {
    await hosts[0]?.process.call('publishTask', 'task1', false)
    await hosts[1]?.process.call('publishTask', 'task2', false)
    const address = hosts[0]?.address ?? ''
    await eventually(
      () => lookUp(0, 'web'),
      found => found.length === 1,
    )
    expect(
      await eventually(
        () => fetchText(lab.wire, `${address}:8080`),
        answer => answer.startsWith('shop-web-3'),
      ),
    ).toMatch(/^shop-web-3/)
    const script = `
      const socket = require('net').connect(8080, '${address}', () => console.log('connected'))
      setInterval(() => socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'), 100)
      socket.on('data', () => {})
      socket.on('error', error => { console.log(error.code); process.exit(0) })`
    const client = await lab.spawn(lab.wire, process.execPath, '-e', script.replaceAll('\\\\', '\\'))
    const said = new Promise<string>(resolve =>
      client.stdout?.once('data', (data: Buffer) => resolve(data.toString().trim())),
    )
    await hosts[2]?.process.call('publishTask', 'task3', false)
    expect(await said).toBe('ECONNRESET')
    for (const [index, host] of hosts.entries()) await host.process.call('publishTask', `task${index + 1}`, true)
    expect(
      await eventually(
        () => lookUp(0, 'web'),
        found => found.length === 3,
      ),
    ).toHaveLength(3)
  })

  it('leaves a port alone that a program on the host has', async () => {
    const host = hosts[2]
    if (host === undefined) throw new Error('no host')
    await lab.serve(host.netns, 'native', 9090)
    const other = {
      ...WEB,
      id: 'shop.other',
      spec: { ...WEB.spec, ports: [{ target: 80, published: 9090, protocol: 'tcp', mode: 'ingress' }] },
    }
    await inside(lab.wire, 'etcdctl', '--endpoints', etcdEndpoint, 'put', keys.service(other.id), JSON.stringify(other))
    const rules = (of: LabHost | undefined) => inside(of?.netns ?? '', 'ss', '-Hltn', 'sport', '=', '9090')
    expect(
      (
        await eventually(
          () => rules(hosts[0]),
          ({ stdout }) => stdout !== '',
        )
      ).stdout,
    ).toContain('9090')
    expect(await fetchText(lab.wire, `${host.address}:9090`)).toMatch(/^native/)
    await inside(lab.wire, 'etcdctl', '--endpoints', etcdEndpoint, 'del', keys.service(other.id))
    expect(
      (
        await eventually(
          () => rules(hosts[0]),
          ({ stdout }) => stdout === '',
        )
      ).stdout,
    ).toBe('')
  })

  it('hides both of two dead hosts, for the store proves that it is not us who is cut off', async () => {
    hosts[1]?.process.signal('SIGSTOP')
    hosts[2]?.process.signal('SIGSTOP')
    expect(
      await eventually(
        () => lookUp(0, 'web'),
        found => found.length === 1,
        50,
      ),
    ).toEqual([replicas[0]?.address])
    hosts[1]?.process.signal('SIGCONT')
    hosts[2]?.process.signal('SIGCONT')
    expect(
      await eventually(
        () => lookUp(0, 'web'),
        found => found.length === 3,
      ),
    ).toHaveLength(3)
  })

  it('keeps the names and ports of a host whose agent was killed, until its cable is pulled', async () => {
    const host = hosts[0]
    if (host === undefined) throw new Error('no host')
    await host.process.kill()
    const started = performance.now()
    const found = new Set<number>()
    const answers = new Set<string>()
    // Much longer than a silent host is kept.
    while (performance.now() - started < 5_000) {
      for (const from of [1, 2]) found.add((await lookUp(from, 'web')).length)
      answers.add((await fetchText(lab.wire, `${hosts[1]?.address}:8080`)).split(' ')[0] ?? '')
    }
    expect([...found]).toEqual([3])
    expect([...answers].sort()).toEqual(['shop-web-1', 'shop-web-2', 'shop-web-3'])
    await inside(lab.wire, 'ip', 'link', 'set', 'h1', 'down')
    for (const from of [1, 2]) {
      const without = await eventually(
        () => lookUp(from, 'web'),
        addresses => addresses.length === 2,
        30,
      )
      expect(new Set(without)).toEqual(new Set([replicas[1]?.address, replicas[2]?.address]))
    }
    await inside(lab.wire, 'ip', 'link', 'set', 'h1', 'up')
    host.process = new HostProcess(host.netns)
    await host.process.call('openStackBeforeNames', host.folder)
    // Asked as soon as there is someone to ask: the answer waits for the names of the cluster.
    const early = lookUp(0, 'shop-web-2')
    await host.process.call('openOverlay', host.name, host.address, etcdEndpoint)
    expect(await early).toEqual([replicas[1]?.address])
    for (const from of [0, 1, 2]) {
      const all = await eventually(
        () => lookUp(from, 'web'),
        addresses => addresses.length === 3,
      )
      expect(all).toHaveLength(3)
    }
  })

  it('takes up after a kill what was there, and gives back what no task has', async () => {
    const host = hosts[0]
    if (host === undefined) throw new Error('no host')
    await host.process.call('joinTask', NET, { taskId: 'ghost', serviceId: WEB.id, names: ['ghost'] })
    await host.process.kill()
    expect(await pings(netns(replicas[0]), replicas[1]?.address ?? '')).toBe(true)
    host.process = new HostProcess(host.netns)
    await openHost(host)
    await host.process.call('releaseAllBut', ['task1'])
    expect(
      await eventually(
        () => lookUp(0, 'web'),
        found => found.length === 3,
      ),
    ).toHaveLength(3)
    expect(
      await eventually(
        () => lookUp(1, 'web'),
        found => found.length === 3,
      ),
    ).toHaveLength(3)
    const { stdout } = await inside(
      lab.wire,
      'etcdctl',
      '--endpoints',
      etcdEndpoint,
      'get',
      '--prefix',
      keys.endpoints,
      '--print-value-only',
    )
    const records = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as EndpointRecord)
    expect(records.filter(({ kind }) => kind === 'gateway')).toHaveLength(3)
    expect(
      records
        .filter(({ kind }) => kind !== 'gateway')
        .map(({ taskId = '' }) => taskId)
        .sort(),
    ).toEqual(['task1', 'task2', 'task3'])
    expect(await pings(netns(replicas[0]), replicas[2]?.address ?? '')).toBe(true)
  })

  it('removes the network when its last task is gone and the cluster has forgotten it', async () => {
    for (const [index, host] of hosts.entries()) {
      const { stdout } = await run('ls', join(host.folder, 'exec/network/sandboxes'))
      for (const file of stdout.trim().split('\n')) await host.process.call('close', file.replace('.json', ''))
      await host.process.call('releaseTask', replicas[index]?.taskId)
    }
    await inside(lab.wire, 'etcdctl', '--endpoints', etcdEndpoint, 'del', keys.service(WEB.id))
    await inside(lab.wire, 'etcdctl', '--endpoints', etcdEndpoint, 'del', keys.network(NET.name))
    for (const host of hosts) {
      const links = await eventually(
        () => inside(host.netns, 'ip', '-o', 'link'),
        ({ stdout }) => !stdout.includes('4711'),
      )
      expect(links.stdout).not.toContain('4711')
      expect((await inside(host.netns, 'nft', 'list', 'ruleset')).stdout).not.toContain('8080')
    }
    const left = await eventually(
      () => inside(lab.wire, 'etcdctl', '--endpoints', etcdEndpoint, 'get', '--prefix', keys.endpoints, '--keys-only'),
      ({ stdout }) => stdout.trim() === '',
    )
    expect(left.stdout.trim()).toBe('')
  })
})
