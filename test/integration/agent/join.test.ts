import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endpointCodec, memberCodec } from '../../../src/discovery/index.ts'
import { startDockerd } from '../../support/dockerd.ts'
import { serviceSpec, taskRecord } from '../../support/tasks.ts'
import { AgentLab, KEYS } from './lab.ts'

const needsRoot = process.getuid?.() !== 0

const web = serviceSpec({
  image: 'busybox:test',
  command: ['sh', '-c', 'echo hello from $NODE; exec sleep 1000'],
  environment: { NODE: '{{.Node.Hostname}}' },
  stopGraceMs: 500,
})

describe.skipIf(needsRoot)('swarm join (needs root)', () => {
  const lab = new AgentLab()
  beforeAll(async () => {
    await lab.open()
    await lab.boot('n1')
    await lab.load('n1')
  })
  afterAll(() => lab.close())

  it('registers what the node is', async () => {
    const member = memberCodec.decode((await lab.store.get(KEYS.member('n1')))?.value ?? '')
    expect(member).toMatchObject({ name: 'n1', apiAddress: `${lab.address('n1')}:2375`, address: lab.address('n1') })
    expect(member.nanoCpus).toBeGreaterThan(0)
    expect(member.memoryBytes).toBeGreaterThan(0)
  })

  it('runs a task that stands in the store, and says how it is', async () => {
    await lab.assign(taskRecord({ id: 'a1', spec: web }))
    const status = await lab.reaches('n1', 'a1', ({ state }) => state === 'running')
    expect(status.addresses['shop_default']).toMatch(/^10\.1\.0\.\d+$/)
    const container = await lab.engine('n1').containers.inspect('shop-web-1')
    expect(container.Id).toBe(status.containerId)
    expect(container.Config.Labels).toMatchObject({ 'shoal.task.id': 'a1', 'com.docker.compose.service': 'web' })
    expect(container.NetworkSettings.Networks['shop_default']?.IPAddress).toBe(status.addresses['shop_default'])
  })

  it('adopts containers after it was killed: same pids', async () => {
    const before = await lab.engine('n1').containers.inspect('shop-web-1')
    await lab.endAgent('n1', 'SIGKILL')
    await lab.join('n1')
    await lab.until(
      'the agent to answer',
      () =>
        lab
          .engine('n1')
          .containers.inspect('shop-web-1')
          .catch(() => undefined),
      'n1',
    )
    const after = await lab.engine('n1').containers.inspect('shop-web-1')
    expect(after.State).toMatchObject({ Pid: before.State.Pid, StartedAt: before.State.StartedAt, Running: true })
    await lab.present('n1')
    expect(await lab.status('n1', 'a1')).toMatchObject({ state: 'running', containerId: before.Id })
  })

  it('keeps containers and membership through SIGTERM', async () => {
    const before = await lab.engine('n1').containers.inspect('shop-web-1')
    await lab.endAgent('n1', 'SIGTERM')
    expect(await lab.store.get(KEYS.member('n1'))).toBeDefined()
    await lab.join('n1')
    await lab.until(
      'the agent to answer',
      () =>
        lab
          .engine('n1')
          .info()
          .catch(() => undefined),
      'n1',
    )
    expect((await lab.engine('n1').containers.inspect('shop-web-1')).State.Pid).toBe(before.State.Pid)
  })

  it('removes what was withdrawn while it was away', async () => {
    await lab.assign(taskRecord({ id: 'a2', slot: 2, spec: web }))
    await lab.reaches('n1', 'a2', ({ state }) => state === 'running')
    await lab.endAgent('n1', 'SIGKILL')
    await lab.store.txn([], [{ delete: KEYS.task('n1', 'a2') }])
    await lab.join('n1')
    await lab.until(
      'the status to go',
      async () => ((await lab.status('n1', 'a2')) === undefined ? true : undefined),
      'n1',
    )
    const names = (await lab.engine('n1').containers.list({ all: true })).flatMap(({ Names }) => Names)
    expect(names).toEqual(['/shop-web-1'])
    const endpoints = await lab.store.list(KEYS.endpointsOf('shop_default'))
    expect(endpoints.items.filter(({ value }) => value.includes('"a2"'))).toEqual([])
  })

  it('stops and removes what is to stop', async () => {
    await lab.assign(taskRecord({ id: 'a1', spec: web, desired: 'stopped' }))
    const status = await lab.reaches('n1', 'a1', ({ state }) => state === 'stopped')
    expect(status.exitCode).toBeGreaterThan(0)
    await lab.until(
      'the container to go',
      async () => ((await lab.engine('n1').containers.list({ all: true })).length === 0 ? true : undefined),
      'n1',
    )
  })

  it.each([
    ['b1', { command: ['sh', '-c', 'exit 0'] }, 'complete', undefined],
    ['b2', { command: ['/no/such/program'] }, 'failed', /no such file/i],
    [
      'b3',
      { mounts: [{ type: 'bind' as const, source: '/no/such/place', target: '/x' }] },
      'failed',
      /\/no\/such\/place/,
    ],
  ])('says how task %s ended', async (id, change, state, error) => {
    const spec = serviceSpec({ ...web.container, ...change }, { restart: { condition: 'none' } })
    await lab.assign(taskRecord({ id, slot: 9, spec }))
    const status = await lab.reaches('n1', id, seen => seen.state === state)
    if (error === undefined) expect(status.error).toBeUndefined()
    else expect(status.error).toMatch(error)
    await lab.store.txn([], [{ delete: KEYS.task('n1', id) }])
    await lab.until('it to go', async () => ((await lab.status('n1', id)) === undefined ? true : undefined), 'n1')
  })

  it('goes on without the store, and tells what happened when it is back', async () => {
    await lab.assign(taskRecord({ id: 'c1', spec: web }))
    const { containerId = '' } = await lab.reaches('n1', 'c1', ({ state }) => state === 'running')
    await lab.stopEtcd()
    await lab.engine('n1').containers.kill(containerId, 'SIGKILL')
    await lab.startEtcd()
    const status = await lab.reaches('n1', 'c1', ({ state }) => state === 'failed')
    expect(status.exitCode).toBe(137)
  })

  it('refuses a second agent on its data directory, and one of its name elsewhere', async () => {
    await expect(lab.hosts.run('n1', lab.joinCommand('n1'))).rejects.toThrow(
      /Another agent \(pid \d+\) uses .*--data-root/,
    )
    await lab.hosts.start('n2', lab.address('n2'))
    await lab.present('n1')
    await expect(lab.hosts.run('n2', lab.joinCommand('n2', ['--name', 'n1']))).rejects.toThrow(
      /A node named n1 is in the cluster already, at .*: join with another --name/,
    )
  })

  it('gets an image that only another member has', async () => {
    await lab.load('n1', 'onlythere:1')
    await lab.join('n2')
    await lab.present('n2')
    const spec = serviceSpec({ ...web.container, image: 'onlythere:1' })
    await lab.assign(taskRecord({ id: 'd1', slot: 4, spec, node: 'n2' }))
    expect((await lab.reaches('n2', 'd1', ({ state }) => state !== 'preparing' && state !== 'starting')).state).toBe(
      'running',
    )
  })

  it('leaves when nothing runs there or by force, with all that it had', async () => {
    const spec = serviceSpec({ ...web.container, networkMode: 'none' }, { networks: [] })
    await lab.assign(taskRecord({ id: 'f1', slot: 6, spec, node: 'n2' }))
    await lab.reaches('n2', 'f1', ({ state }) => state === 'running')
    await expect(lab.hosts.run('n2', lab.leaveCommand('n2'))).rejects.toThrow(
      /Node n2 runs .*shop-web-6.*: move them away with swarm node drain --wait n2 first/,
    )
    await lab.hosts.run('n2', lab.leaveCommand('n2', ['--force', '--purge']))
    expect(await lab.store.get(KEYS.member('n2'))).toBeUndefined()
    const endpoints = (await lab.store.list(KEYS.endpoints)).items.map(({ value }) => endpointCodec.decode(value).node)
    expect(endpoints).not.toContain('n2')
    expect(await lab.hosts.run('n2', ['nft', 'list', 'tables'])).not.toContain('dport')
    // It may come back as a new node: nothing is left of its membership, its engine has what it had.
    await lab.withdraw('n2', 'f1')
    await lab.withdraw('n2', 'd1')
    await lab.join('n2')
    await lab.present('n2')
    expect(await lab.engine('n2').containers.list({ all: true })).toEqual([])
    expect(await lab.engine('n2').images.list({})).toHaveLength(1)
    await expect(lab.hosts.run('n2', lab.leaveCommand('n2', ['--data-root', '/nowhere']))).rejects.toThrow(
      /No node of \/nowhere\/agent has joined a cluster/,
    )
  })

  it('drives a stock Docker Engine in place of its own', async () => {
    const docker = await startDockerd()
    try {
      await lab.hosts.start('n3', lab.address('n3'))
      await lab.join('n3', ['--engine', docker.host])
      await lab.present('n3')
      await lab.load('n3')
      const spec = serviceSpec({ ...web.container, networkMode: 'none' }, { networks: [] })
      const task = taskRecord({ id: 'e1', slot: 5, spec, node: 'n3' })
      await lab.assign(task)
      const { containerId = '' } = await lab.reaches('n3', 'e1', ({ state }) => state === 'running')
      const before = await lab.engine('n3').containers.inspect(containerId)
      await lab.endAgent('n3', 'SIGKILL')
      await lab.join('n3', ['--engine', docker.host])
      await lab.until(
        'the agent to answer',
        () =>
          lab
            .engine('n3')
            .info()
            .catch(() => undefined),
        'n3',
      )
      expect((await lab.engine('n3').containers.inspect(containerId)).State.Pid).toBe(before.State.Pid)
      await lab.assign({ ...task, desired: 'stopped' })
      await lab.reaches('n3', 'e1', ({ state }) => state === 'stopped')
      await lab.endAgent('n3', 'SIGTERM')
    } finally {
      await docker.stop()
    }
  })
})
