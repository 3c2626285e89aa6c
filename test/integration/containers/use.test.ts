import { existsSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ContainerStats } from '../../../src/docker-api/index.ts'
import { readTar } from '../../support/tar-entries.ts'
import { Dock, eventually, isRoot, soon } from './support.ts'

const MIB = 2 ** 20

describe.skipIf(!isRoot)('what containers use and may use', () => {
  const dock = new Dock()
  beforeAll(async () => {
    await dock.addImage()
    await dock.openEngine()
  })
  afterEach(async () => {
    const { containers } = dock.engine
    for (const { Id } of await containers.list({ all: true }))
      await containers.remove(Id, { force: true, volumes: true })
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const sample = async (id: string, options = {}): Promise<ContainerStats> => {
    const samples = dock.engine.containers.stats(id, { stream: false, ...options }, soon())
    const [only] = await Array.fromAsync(samples)
    if (only === undefined) throw new Error('no sample')
    return only
  }
  const logged = async (id: string, text: string): Promise<void> => dock.printed(id, text)

  describe('stats', () => {
    it('measures processor, memory and processes, and compares with a second before', async () => {
      const host = { Memory: 64 * MIB, PidsLimit: 20 }
      const id = await dock.run('echo go; while :; do :; done', { name: 'busy', host })
      await logged(id, 'go')
      const stats = await sample(id)
      expect(stats).toMatchObject({ name: '/busy', id, num_procs: 0, storage_stats: {} })
      expect(stats.pids_stats).toEqual({ current: 1, limit: 20 })
      expect(stats.memory_stats).toMatchObject({ limit: 64 * MIB, usage: expect.any(Number) })
      expect(stats.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(stats.precpu_stats.cpu_usage.total_usage)
      expect(stats.cpu_stats.system_cpu_usage).toBeGreaterThan(stats.precpu_stats.system_cpu_usage ?? Infinity)
      expect(Date.parse(stats.read)).toBeGreaterThan(Date.parse(stats.preread))
      expect(stats.networks).toBeUndefined()
    })

    it('gives one at once, or one a second until nobody listens or the container is gone', async () => {
      const id = await dock.run('exec sleep 1000')
      const once = await sample(id, { oneShot: true })
      expect(once).toMatchObject({ preread: '0001-01-01T00:00:00Z', precpu_stats: { cpu_usage: { total_usage: 0 } } })
      const seen: ContainerStats[] = []
      for await (const next of dock.engine.containers.stats(id, { stream: true }, soon())) {
        seen.push(next)
        if (seen.length === 2) await dock.engine.containers.remove(id, { force: true })
      }
      expect(seen).toHaveLength(2)
      expect(seen[1]?.preread).toBe(seen[0]?.read)
    })

    it('says nothing of what does not run, and refuses what is not there', async () => {
      const id = await dock.create('true')
      expect(await sample(id)).toMatchObject({ read: '0001-01-01T00:00:00Z', pids_stats: {}, memory_stats: {} })
      await expect(sample('nothing')).rejects.toMatchObject({ status: 404 })
    })
  })

  describe('update', () => {
    const update = (id: string, request: object) => dock.engine.containers.update(id, request)
    const host = async (id: string) => (await dock.engine.containers.inspect(id)).HostConfig

    it('changes the limits of a running container at once, and for its next run', async () => {
      const id = await dock.run('exec sleep 1000', { host: { Memory: 64 * MIB, PidsLimit: 20 } })
      const change = { Memory: 96 * MIB, MemorySwap: -1, PidsLimit: 30, CpuShares: 512, NanoCpus: 5e8, CpusetCpus: '0' }
      expect(await update(id, change)).toEqual({ Warnings: [] })
      const before = await sample(id, { oneShot: true })
      expect(before.pids_stats.limit).toBe(30)
      expect(before.memory_stats.limit).toBe(96 * MIB)
      expect(await host(id)).toMatchObject(change)
      await update(id, { PidsLimit: -1 })
      expect((await sample(id, { oneShot: true })).pids_stats.limit).toBeUndefined()
      await dock.engine.containers.restart(id, { timeoutMs: 0 })
      expect((await sample(id, { oneShot: true })).memory_stats.limit).toBe(96 * MIB)
    })

    it('decides over restarts from then on', async () => {
      const id = await dock.run('sleep 0.5; exit 1')
      await update(id, { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 } })
      await dock.engine.containers.wait(id, { condition: 'not-running' }, soon())
      expect((await dock.engine.containers.inspect(id)).RestartCount).toBe(1)
    })

    it('refuses what makes no sense, and changes nothing then', async () => {
      const id = await dock.run('exec sleep 1000', { host: { CpuPeriod: 100_000, CpuQuota: 50_000 } })
      await expect(update(id, { Memory: 1_000 })).rejects.toMatchObject({ status: 400 })
      await expect(update(id, { NanoCpus: 1e9 })).rejects.toMatchObject({ status: 409 })
      await expect(update(id, { CpusetCpus: '999' })).rejects.toMatchObject({ status: 400 })
      await expect(update(id, { RestartPolicy: { Name: 'sometimes' } })).rejects.toMatchObject({ status: 400 })
      await expect(update('nothing', {})).rejects.toMatchObject({ status: 404 })
      expect(await host(id)).toMatchObject({ CpuPeriod: 100_000, CpuQuota: 50_000, NanoCpus: 0, Memory: 0 })
    })

    it('leaves a container as it is if the kernel refuses a limit below what is used', async context => {
      // With cgroup v2 the kernel makes room instead, by killing.
      if ((await dock.engine.info()).CgroupVersion !== '1') return context.skip()
      const fat = await dock.run('dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>/dev/null; echo full; exec sleep 1000')
      await logged(fat, 'full')
      await expect(update(fat, { Memory: 8 * MIB, MemorySwap: 8 * MIB })).rejects.toMatchObject({ status: 500 })
      expect((await host(fat)).Memory).toBe(0)
    })
  })

  it('prunes what does not run, and tells how much that freed', async () => {
    const kept = await dock.run('exec sleep 1000')
    const labelled = await dock.create('true', { Labels: { keep: '' } })
    await dock.runToEnd('dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null')
    const { containers } = dock.engine
    const { ContainersDeleted, SpaceReclaimed } = await containers.prune({ filters: { 'label!': ['keep'] } })
    expect(ContainersDeleted).toHaveLength(1)
    expect(SpaceReclaimed).toBe(3 * MIB)
    expect((await containers.list({ all: true })).map(({ Id }) => Id).sort()).toEqual([kept, labelled].sort())
    await expect(containers.prune({ filters: { foo: ['x'] } })).rejects.toMatchObject({ status: 400 })
    expect(await containers.prune({ filters: { until: ['1h'] } })).toEqual({
      ContainersDeleted: null,
      SpaceReclaimed: 0,
    })
  })

  it('measures files if asked to', async () => {
    const id = await dock.run(
      'dd if=/dev/zero of=/big bs=1M count=2 2>/dev/null; ln /big /same; echo done; exec sleep 1000',
    )
    await logged(id, 'done')
    const { containers } = dock.engine
    const [listed] = await containers.list({ size: true })
    expect(listed?.SizeRw).toBe(2 * MIB)
    expect(listed?.SizeRootFs).toBeGreaterThan(2 * MIB)
    expect(await containers.inspect(id, { size: true })).toMatchObject({
      SizeRw: 2 * MIB,
      SizeRootFs: listed?.SizeRootFs,
    })
    expect(await containers.inspect(id)).not.toHaveProperty('SizeRw')
    const fresh = await containers.inspect(await dock.create('true'), { size: true })
    expect(fresh.SizeRw).toBe(0)
  })

  it('lists processes in the columns that ps is asked for', async () => {
    const id = await dock.run('sleep 999 & exec sleep 1000')
    const { containers } = dock.engine
    const { Titles, Processes } = await eventually(
      () => containers.top(id, { psArgs: '-o pid,comm,args' }),
      // Who begins to ask before the second one is there hears of the first one alone.
      ({ Processes: all }) => all.length === 2 && all.every(([, program]) => program === 'sleep'),
    )
    expect(Titles).toEqual(['PID', 'COMMAND', 'COMMAND'])
    expect(Processes.map(([, ...rest]) => rest)).toEqual([
      ['sleep', 'sleep 1000'],
      ['sleep', 'sleep 999'],
    ])
    await expect(containers.top(id, { psArgs: '-o comm' })).rejects.toMatchObject({ status: 400 })
    await expect(containers.top(id, { psArgs: '--bogus' })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('option'),
    })
    await expect(containers.top(await dock.create('true'), {})).rejects.toMatchObject({ status: 409 })
  })

  describe('commit', () => {
    it('makes an image of what a container has become', async () => {
      const id = await dock.run('echo new > /data/new; rm /data/seed; echo done; exec sleep 1000', { Env: ['A=b'] })
      await logged(id, 'done')
      const { containers, images } = dock.engine
      const image = await containers.commit(id, {
        repo: 'made',
        tag: '1',
        author: 'me',
        comment: 'why',
        changes: ['CMD ["cat", "/data/new"]', 'ENV C=d', 'LABEL x=y', 'WORKDIR /data'],
      })
      const made = await images.inspect('made:1')
      expect(made).toMatchObject({ Id: image, Author: 'me', Comment: 'why' })
      expect(made.Config).toMatchObject({ Labels: { x: 'y' }, WorkingDir: '/data', Cmd: ['cat', '/data/new'] })
      expect(made.Config.Env).toEqual(expect.arrayContaining(['A=b', 'C=d']))
      expect((await dock.state(id)).Paused).toBe(false)
      const { Id } = await containers.create({ Image: 'made:1', HostConfig: { NetworkMode: 'none' } }, {})
      const exited = containers.wait(Id, { condition: 'next-exit' }, soon())
      await containers.start(Id)
      expect((await exited).StatusCode).toBe(0)
      expect(await dock.output(Id)).toBe('new\n')
      const files = await readTar(await containers.export(Id))
      expect([...files.keys()].filter(name => name.startsWith('data/'))).toEqual(['data/', 'data/new'])
      expect(await containers.changes(Id)).toEqual([])
    })

    it('adds no layer for a container that changed nothing', async () => {
      const { containers, images } = dock.engine
      const { RootFS } = await images.inspect('box')
      for (const id of [await dock.create('true'), await dock.run('exec sleep 1000')]) {
        const made = await containers.commit(id, { pause: false })
        expect((await images.inspect(made)).RootFS).toEqual(RootFS)
        await images.remove(made, { force: true })
      }
    })

    it('leaves the mark of a container out', async () => {
      const { containers, images } = dock.engine
      const id = await dock.run('[ -x /.dockerenv ] && [ ! -s /.dockerenv ] && echo marked; exec sleep 1000')
      await logged(id, 'marked')
      expect(await containers.changes(id)).toEqual([])
      expect([...(await readTar(await containers.export(id))).keys()]).toContain('.dockerenv')
      const { Data = {} } = (await containers.inspect(id)).GraphDriver ?? {}
      expect(Object.keys(Data ?? {}).sort()).toEqual(['LowerDir', 'MergedDir', 'UpperDir', 'WorkDir'])
      expect(existsSync(`${Data?.['MergedDir']}/bin/busybox`)).toBe(true)
      expect(existsSync(`${Data?.['LowerDir']?.split(':').at(-1)}/bin/busybox`)).toBe(true)
      const unmarked = await dock.run('rm /.dockerenv; echo gone; exec sleep 1000')
      await logged(unmarked, 'gone')
      expect(await containers.changes(unmarked)).toEqual([{ Path: '/.dockerenv', Kind: 2 }])
      const { Data: places } = (await images.inspect('box')).GraphDriver ?? {}
      expect(existsSync(`${places?.['UpperDir']}/bin/busybox`)).toBe(true)
    })

    it('refuses names and instructions that no image can have', async () => {
      const id = await dock.create('true')
      const { containers } = dock.engine
      await expect(containers.commit(id, { repo: 'UPPER' })).rejects.toMatchObject({ status: 400 })
      await expect(containers.commit(id, { changes: ['RUN true'] })).rejects.toMatchObject({ status: 400 })
      await expect(containers.commit('nothing', {})).rejects.toMatchObject({ status: 404 })
    })
  })
})
