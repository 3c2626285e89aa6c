import { expect, it } from 'vitest'
import type { ContainerCreateRequest, Engine } from '../../src/docker-api/index.ts'
import { makeTar, readTar, tarNames } from '../support/tar-entries.ts'

const soon = (): AbortSignal => AbortSignal.timeout(30_000)
const MIB = 2 ** 20

/** Files, limits and use of containers: what every engine must do. Called inside a suite that removes all containers. */
export function containerFilesContract(engineOf: () => Engine, image: string): void {
  const start = async (script: string, request: ContainerCreateRequest = {}): Promise<string> => {
    const { Id } = await create(script, request)
    await engineOf().containers.start(Id)
    return Id
  }
  const create = (script: string, { HostConfig, ...request }: ContainerCreateRequest = {}) =>
    engineOf().containers.create(
      {
        Image: image,
        Cmd: ['sh', '-c', script],
        StopSignal: 'SIGKILL',
        ...request,
        HostConfig: { NetworkMode: 'none', ...HostConfig },
      },
      {},
    )
  const run = async (script: string): Promise<string> => {
    const id = await start(script)
    await engineOf().containers.wait(id, { condition: 'not-running' }, soon())
    return id
  }
  const write = (id: string, path: string, archive: ReturnType<typeof makeTar>, options = {}) =>
    engineOf().containers.writeArchive(id, path, { archive, signal: soon(), ...options })

  it('copies files out of a container, and tells what lies at a path', async () => {
    const { containers } = engineOf()
    const id = await run('ln -s page /srv/link; mkdir /srv/d; echo x > /srv/d/x; chmod 4755 /srv/d/x')
    expect(await containers.statPath(id, '/srv')).toMatchObject({ name: 'srv', mode: 2147484141, linkTarget: '' })
    expect(await containers.statPath(id, '/srv/link')).toMatchObject({
      name: 'link',
      size: 4,
      mode: 134218239,
      linkTarget: '/srv/page',
    })
    expect(await containers.statPath(id, 'srv/d/x')).toMatchObject({ name: 'x', size: 2, mode: 8389101 })
    const names = async (path: string) => tarNames((await containers.readArchive(id, path)).archive)
    expect(await names('/srv')).toEqual(['srv/', 'srv/d/', 'srv/d/x', 'srv/link', 'srv/page'])
    expect(await names('/srv/.')).toEqual(['./', './d/', './d/x', './link', './page'])
    expect(await names('/srv/d/x')).toEqual(['x'])
    const { stat, archive } = await containers.readArchive(id, '/srv/link')
    expect(stat.name).toBe('link')
    expect((await readTar(archive)).get('link')).toMatchObject({ type: 'symlink', linkname: 'page' })
    const message = `Could not find the file /nope in container ${id}`
    await expect(containers.readArchive(id, '/nope')).rejects.toMatchObject({ status: 404, message })
    await expect(containers.statPath(id, '/nope')).rejects.toMatchObject({ status: 404 })
  })

  it('copies files into a container, running or not', async () => {
    const { containers } = engineOf()
    const { Id } = await create('sleep 1000', { HostConfig: { Tmpfs: {} } })
    const archive = () =>
      makeTar([
        ['a', { mode: 0o640, uid: 7, gid: 8 }],
        ['d/', { type: 'directory' }],
        ['d/b', 'two'],
      ])
    await write(Id, '/tmp', archive())
    await containers.start(Id)
    await write(Id, '/root', archive())
    for (const path of ['/tmp', '/root']) {
      const files = await readTar((await containers.readArchive(Id, `${path}/.`)).archive)
      expect(files.get('./d/b')).toMatchObject({ content: 'two' })
      expect(files.get('./a')).toMatchObject({ uid: 7, gid: 8, mode: 0o640 })
    }
    await expect(write(Id, '/nope', archive())).rejects.toMatchObject({ status: 404 })
    const file = makeTar([['d', 'a file']])
    await expect(write(Id, '/tmp', file, { noOverwriteDirNonDir: true })).rejects.toThrow(
      /cannot overwrite directory "\/tmp\/d" with non-directory/,
    )
  })

  it('does not write to read-only roots', async () => {
    const id = await start('sleep 1000', { HostConfig: { ReadonlyRootfs: true } })
    await expect(write(id, '/', makeTar([['a', 'x']]))).rejects.toThrow('container rootfs is marked read-only')
  })

  it('tells what a container changed, and exports its files', async () => {
    const { containers } = engineOf()
    const id = await run('echo more >> /srv/page; rm /bin/true; mkdir /new; echo x > /new/x')
    const changes = await containers.changes(id)
    expect(changes.map(({ Path, Kind }) => `${'CAD'[Kind]} ${Path}`).toSorted()).toEqual([
      'A /new',
      'A /new/x',
      'C /bin',
      'C /srv',
      'C /srv/page',
      'D /bin/true',
    ])
    const files = await readTar(await containers.export(id))
    expect(files.get('new/x')).toMatchObject({ content: 'x\n' })
    expect(files.has('bin/true')).toBe(false)
    expect(await containers.changes((await create('true')).Id)).toEqual([])
  })

  it('makes an image of a container', async () => {
    const { containers, images } = engineOf()
    const id = await run('echo kept > /kept')
    const made = await containers.commit(id, {
      repo: 'committed',
      tag: '1',
      comment: 'why',
      author: 'me',
      changes: ['CMD ["cat", "/kept"]', 'ENV A=b', 'EXPOSE 99', 'LABEL l=m'],
    })
    const { Id, Config } = await images.inspect('committed:1')
    expect(Id).toBe(made)
    expect(Config).toMatchObject({ Cmd: ['cat', '/kept'], Labels: { l: 'm' }, ExposedPorts: { '99/tcp': {} } })
    expect(Config.Env).toContain('A=b')
    await images.remove('committed:1', { force: true })
    await expect(containers.commit(id, { changes: ['RUN true'] })).rejects.toMatchObject({
      status: 400,
      message: 'run is not a valid change command',
    })
    await expect(containers.commit('nothing', {})).rejects.toMatchObject({ status: 404 })
  })

  it('measures what a container uses', async () => {
    const { containers } = engineOf()
    const id = await start('exec sleep 1000', { HostConfig: { Memory: 64 * MIB } })
    const [sample] = await Array.fromAsync(containers.stats(id, { stream: false }, soon()))
    expect(sample).toMatchObject({
      id,
      pids_stats: { current: 1 },
      memory_stats: { limit: 64 * MIB },
      cpu_stats: { online_cpus: expect.any(Number), system_cpu_usage: expect.any(Number) },
      precpu_stats: { system_cpu_usage: expect.any(Number) },
    })
    const idle = (await create('true')).Id
    const [nothing] = await Array.fromAsync(containers.stats(idle, { stream: false }, soon()))
    expect(nothing).toMatchObject({ read: '0001-01-01T00:00:00Z', pids_stats: {}, memory_stats: {} })
    await expect(Array.fromAsync(containers.stats('nothing', { stream: false }, soon()))).rejects.toMatchObject({
      status: 404,
    })
  })

  it('changes limits and the restart policy', async () => {
    const { containers } = engineOf()
    const id = await start('sleep 1000')
    const change = { Memory: 64 * MIB, MemorySwap: 128 * MIB, CpuShares: 512, CpusetCpus: '0', PidsLimit: 40 }
    await containers.update(id, { ...change, RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } })
    const { HostConfig } = await containers.inspect(id)
    expect(HostConfig).toMatchObject({
      ...change,
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 },
    })
    await expect(containers.update(id, { Memory: 1_000 })).rejects.toMatchObject({ status: 400 })
    await expect(containers.update(id, { Memory: 256 * MIB })).rejects.toMatchObject({ status: 409 })
    await expect(containers.update('nothing', {})).rejects.toMatchObject({ status: 404 })
  })

  it('prunes what does not run, by label and age, and measures it', async () => {
    const { containers } = engineOf()
    const kept = await start('sleep 1000')
    const id = await run('dd if=/dev/zero of=/big bs=1M count=2 2>/dev/null')
    expect(await containers.inspect(id, { size: true })).toMatchObject({ SizeRw: 2 * MIB })
    expect((await containers.list({ all: true, size: true })).find(({ Id }) => Id === id)).toMatchObject({
      SizeRw: 2 * MIB,
    })
    expect(await containers.prune({ filters: { until: ['1h'] } })).toEqual({
      ContainersDeleted: null,
      SpaceReclaimed: 0,
    })
    expect(await containers.prune({ filters: { 'label!': ['keep'] } })).toEqual({
      ContainersDeleted: [id],
      SpaceReclaimed: 2 * MIB,
    })
    expect((await containers.list({ all: true })).map(({ Id }) => Id)).toEqual([kept])
    await expect(containers.prune({ filters: { foo: ['x'] } })).rejects.toMatchObject({ status: 400 })
  })

  it('lists processes in the columns that ps is asked for', async () => {
    const { containers } = engineOf()
    const id = await start('exec sleep 1000')
    const listed = () => containers.top(id, { psArgs: '-o pid,args' })
    expect((await listed()).Titles).toEqual(['PID', 'COMMAND'])
    // A container that has just been started may still be on its way to its command.
    await expect
      .poll(async () => (await listed()).Processes.map(([, command]) => command), { timeout: 10_000 })
      .toEqual(['sleep 1000'])
    await expect(containers.top(id, { psArgs: '-o comm' })).rejects.toThrow("Couldn't find PID field in ps output")
  })
}
