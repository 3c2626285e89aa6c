import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HostConfig } from '../../../src/docker-api/index.ts'
import { MOUNT_FLAGS, mount, unmount } from '../../../src/runtime/linux/mount.ts'
import { detectCgroups } from '../../../src/runtime/linux/process/cgroups.ts'
import { Dock, eventually, isRoot, type RunOptions, readAll } from './support.ts'

const MIB = 1024 * 1024

describe.skipIf(!isRoot)('options of containers', () => {
  let dock: Dock
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    await dock.openEngine()
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const output = async (script: string, options: RunOptions = {}): Promise<string> =>
    (await dock.runToEnd(script, options)).output.trim()
  const hostOutput = (script: string, host: HostConfig): Promise<string> => output(script, { host })
  const namespace = (kind: string, host: HostConfig): Promise<string> =>
    hostOutput(`busybox readlink /proc/self/ns/${kind}`, host)
  const ownNamespace = (kind: string): string => readlinkSync(`/proc/self/ns/${kind}`)
  const refusal = (host: HostConfig): Promise<string> =>
    hostOutput('true', host).then(
      () => '',
      (error: Error) => error.message,
    )

  describe('namespaces', () => {
    it('of the host, where asked for', async () => {
      expect(await namespace('pid', { PidMode: 'host' })).toBe(ownNamespace('pid'))
      expect(await namespace('ipc', { IpcMode: 'host' })).toBe(ownNamespace('ipc'))
      expect(await namespace('uts', { UTSMode: 'host' })).toBe(ownNamespace('uts'))
      expect(await hostOutput('hostname', { UTSMode: 'host' })).toBe(hostname())
      for (const kind of ['pid', 'ipc', 'uts']) expect(await namespace(kind, { UsernsMode: 'host' })).not.toBe('')
      for (const kind of ['pid', 'ipc', 'uts', 'mnt']) expect(await namespace(kind, {})).not.toBe(ownNamespace(kind))
    })

    it('of control groups, its own where asked for', async () => {
      expect(await namespace('cgroup', { CgroupnsMode: 'private' })).not.toBe(ownNamespace('cgroup'))
      expect(await namespace('cgroup', { CgroupnsMode: 'host' })).toBe(ownNamespace('cgroup'))
    })

    it('of another container: its processes, its shared memory', async () => {
      const donor = await dock.run('echo kept >/dev/shm/note; exec sleep 1000', { host: { IpcMode: 'shareable' } })
      await dock.engine.containers.rename(donor, 'donor')
      expect(await hostOutput('ps', { PidMode: 'container:donor' })).toContain('sleep 1000')
      await eventually(
        () => hostOutput('cat /dev/shm/note', { IpcMode: 'container:donor' }),
        text => text === 'kept',
      )
      const { HostConfig: joined } = await dock.engine.containers.inspect(
        await dock.create('true', { host: { PidMode: 'container:donor' } }),
      )
      expect(joined.PidMode).toBe(`container:${donor}`)
      await dock.engine.containers.remove(donor, { force: true })
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(donor)
      expect(await refusal({ PidMode: 'container:donor' })).toBe('No such container: donor')
    })

    it('of another container, which must run and let others in', async () => {
      const idle = await dock.create('true')
      expect(await refusal({ PidMode: `container:${idle}` })).toBe(
        `cannot join PID of a non running container: ${idle}`,
      )
      const closed = await dock.run('sleep 1000')
      expect(await refusal({ IpcMode: `container:${closed}` })).toContain(
        'non-shareable IPC (hint: use IpcMode:shareable',
      )
    })

    it('without shared memory', async () => {
      expect(await hostOutput('mount | grep -c /dev/shm', { IpcMode: 'none' })).toBe('0')
    })
  })

  describe('limits', () => {
    const { version, mounts } = detectCgroups()
    const read = (id: string, controller: string, file: string): string =>
      readFileSync(join(mounts.get(controller) ?? '', dock.options.cgroupParent ?? '', id, file), 'utf8').trim()

    it.skipIf(version !== '1').each<[string, HostConfig, string, string]>([
      ['MemoryReservation', { MemoryReservation: 32 * MIB }, 'memory/memory.soft_limit_in_bytes', String(32 * MIB)],
      ['MemorySwappiness', { MemorySwappiness: 7 }, 'memory/memory.swappiness', '7'],
      ['OomKillDisable', { OomKillDisable: true, Memory: 64 * MIB }, 'memory/memory.oom_control', 'oom_kill_disable 1'],
      ['CpuShares', { CpuShares: 512 }, 'cpu/cpu.shares', '512'],
      ['CpuPeriod', { CpuPeriod: 50_000, CpuQuota: 20_000 }, 'cpu/cpu.cfs_period_us', '50000'],
      ['CpuQuota', { CpuPeriod: 50_000, CpuQuota: 20_000 }, 'cpu/cpu.cfs_quota_us', '20000'],
      ['CpuRealtimeRuntime', { CpuRealtimeRuntime: 2_000 }, 'cpu/cpu.rt_runtime_us', '2000'],
      ['CpusetCpus', { CpusetCpus: '0' }, 'cpuset/cpuset.cpus', '0'],
      ['CpusetMems', { CpusetMems: '0' }, 'cpuset/cpuset.mems', '0'],
    ])('%s', async (_field, host, path, value) => {
      const [controller = '', file = ''] = path.split('/')
      const id = await dock.run('sleep 1000', { host })
      expect(read(id, controller, file)).toContain(value)
      await dock.engine.containers.remove(id, { force: true })
    })

    it.skipIf(version !== '1')('of block devices', async () => {
      const disk = `/dev/${execFileSync('sh', ['-c', 'ls /sys/block | head -n 1'], { encoding: 'utf8' }).trim()}`
      const number = readFileSync(`/sys/block/${disk.slice('/dev/'.length)}/dev`, 'utf8').trim()
      const host = {
        BlkioDeviceReadBps: [{ Path: disk, Rate: MIB }],
        BlkioDeviceWriteBps: [{ Path: disk, Rate: 2 * MIB }],
        BlkioDeviceReadIOps: [{ Path: disk, Rate: 30 }],
        BlkioDeviceWriteIOps: [{ Path: disk, Rate: 40 }],
      }
      const id = await dock.run('sleep 1000', { host })
      const rate = (what: string): string => read(id, 'blkio', `blkio.throttle.${what}_device`)
      expect(rate('read_bps')).toBe(`${number} ${MIB}`)
      expect(rate('write_bps')).toBe(`${number} ${2 * MIB}`)
      expect(rate('read_iops')).toBe(`${number} 30`)
      expect(rate('write_iops')).toBe(`${number} 40`)
      expect(await refusal({ BlkioDeviceReadBps: [{ Path: '/dev/none', Rate: 1 }] })).toContain(
        '"/dev/none": no such file',
      )
    })

    it('without end are written as such', async () => {
      const host = { Ulimits: [{ Name: 'core', Soft: -1, Hard: -1 }] }
      expect(await hostOutput('ulimit -Sc; ulimit -Hc', host)).toBe('unlimited\nunlimited')
    })

    it('are below the parent asked for', async () => {
      const CgroupParent = `${dock.options.cgroupParent}/inner`
      const id = await dock.run('sleep 1000', { host: { CgroupParent, Memory: 64 * MIB } })
      const place = join(mounts.get('memory') ?? '', CgroupParent, id)
      expect(readFileSync(join(place, 'cgroup.procs'), 'utf8').trim()).toMatch(/^\d+/)
      await dock.engine.containers.remove(id, { force: true })
      expect(() => readFileSync(join(place, 'cgroup.procs'))).toThrow('ENOENT')
    })
  })

  describe('devices', () => {
    it('are there under the name and with the rights asked for', async () => {
      const device = (CgroupPermissions: string): HostConfig => ({
        Devices: [{ PathOnHost: '/dev/kmsg', PathInContainer: '/dev/klog', CgroupPermissions }],
      })
      const script = '(echo "shoal test" >/dev/klog) 2>/dev/null && echo written || echo refused'
      expect(await hostOutput(script, device('rw'))).toBe('written')
      expect(await hostOutput(script, device('r'))).toBe('refused')
      expect(await hostOutput('ls /dev', {})).not.toContain('kmsg')
    })

    it('are opened as rules say', async () => {
      const script = 'mknod /tmp/k c 1 11; (echo "shoal test" >/tmp/k) 2>/dev/null && echo written || echo refused'
      expect(await hostOutput(script, { DeviceCgroupRules: ['c 1:11 rwm'] })).toBe('written')
      expect(await hostOutput(script, {})).toBe('refused')
    })

    it('that are not there are named', async () => {
      expect(await refusal({ Devices: [{ PathOnHost: '/dev/nothing' }] })).toBe(
        'error gathering device information while adding custom device "/dev/nothing": no such file or directory',
      )
      expect(await refusal({ Devices: [{ PathOnHost: '/etc/hostname' }] })).toContain('not a device node')
    })
  })

  it('masks and guards the paths asked for', async () => {
    writeFileSync(join(dock.directory, 'image/data/secret'), 'secret')
    const Binds = [`${join(dock.directory, 'image/data')}:/d`]
    expect(await hostOutput('cat /d/secret', { Binds, MaskedPaths: ['/d/secret'] })).toBe('')
    expect(await hostOutput('touch /d/x 2>/dev/null || echo refused', { Binds, ReadonlyPaths: ['/d'] })).toBe('refused')
    const open = { MaskedPaths: [], ReadonlyPaths: [] }
    expect(await hostOutput('mount | grep -c "on /proc/sys "', open)).toBe('0')
    expect(await hostOutput('mount | grep -c "on /proc/sys "', { SecurityOpt: ['systempaths=unconfined'] })).toBe('0')
    expect(await hostOutput('mount | grep -c "on /proc/sys "', {})).toBe('1')
  })

  it('is given the time to stop that it asks for', async () => {
    const id = await dock.run('trap "" TERM; echo deaf; while :; do sleep 1; done', { StopTimeout: 0 })
    await dock.printed(id, 'deaf')
    await dock.engine.containers.stop(id, {})
    expect(await dock.state(id)).toMatchObject({ Status: 'exited', ExitCode: 137 })
  })

  it('adds groups by name and number', async () => {
    expect(await hostOutput('id -G', { GroupAdd: ['extra', '77'] })).toBe('0 50 77')
    const id = await dock.run('exec sleep 1000', {
      host: { GroupAdd: ['77'], Ulimits: [{ Name: 'nofile', Soft: 99, Hard: 99 }] },
    })
    const Cmd = ['sh', '-c', 'id -G; ulimit -n']
    const exec = await dock.engine.exec.create(id, { Cmd, User: 'app', AttachStdout: true })
    const started = await dock.engine.exec.start(exec.Id, { detach: false, tty: true })
    expect(started === undefined ? '' : (await readAll(started.stream)).toString()).toMatch(/1001 50 77\r?\n99/)
    expect(await refusal({ GroupAdd: ['ghosts'] })).toBe(
      'Unable to find group ghosts: no matching entries in group file',
    )
  })

  it('has the size of the terminal from the beginning', async () => {
    const id = await dock.create('sleep 0.2; stty size', { Tty: true, host: { ConsoleSize: [33, 121] } })
    await dock.engine.containers.start(id)
    await dock.printed(id, '33 121')
  })

  it('runs with the runtime it names, if it is the engine’s', async () => {
    expect(await hostOutput('echo ran', { Runtime: 'runc' })).toBe('ran')
    expect(await refusal({ Runtime: 'sysbox-runc' })).toBe('unknown or invalid runtime name: sysbox-runc')
  })

  it('takes over the mounts of another container', async () => {
    const Binds = ['shared-volume:/from', `${join(dock.directory, 'image/data')}:/bound:ro`]
    const donor = await dock.create('true', { host: { Binds } })
    const VolumesFrom = [`${donor}:ro`]
    const script = 'cat /bound/seed; touch /from/x 2>/dev/null || echo refused'
    expect(await hostOutput(script, { VolumesFrom })).toBe('seed\nrefused')
    expect(await hostOutput('touch /from/x && echo written', { VolumesFrom: [donor] })).toBe('written')
    for (const host of [
      { VolumesFrom: ['nobody'] },
      { PidMode: 'container:nobody' },
      { NetworkMode: 'container:nobody' },
    ]) {
      // A 404 would be taken for a missing image.
      await expect(dock.create('true', { host })).rejects.toMatchObject({
        status: 400,
        message: 'No such container: nobody',
      })
    }
  })

  it('has mounts within mounts, each as asked for, and leaves nothing of them behind', async () => {
    const outer = join(dock.directory, 'outer')
    mkdirSync(outer)
    writeFileSync(join(outer, 'own'), 'outer')
    const inner = join(dock.directory, 'image/data')
    const host = {
      Binds: [`${outer}:/o`, `${inner}:/o/a/b:ro`, `${join(inner, 'seed')}:/o/file`, 'nested-volume:/o/a/v'],
      Tmpfs: { '/o/t': 'size=1m,mode=700' },
    }
    const script = `cat /o/own /o/a/b/seed /o/file; touch /o/a/b/x 2>/dev/null || echo refused
      touch /o/a/v/x /o/t/x /o/new && echo written; mount | grep -c "/o/t.*size=1024k"; busybox stat -c %a /o/t`
    expect(await hostOutput(script, host)).toBe('outerseed\nseed\nrefused\nwritten\n1\n700')
    expect(execFileSync('find', [outer, '-type', 'f'], { encoding: 'utf8' }).split('\n').sort()).toEqual(
      ['', join(outer, 'file'), join(outer, 'new'), join(outer, 'own')].sort(),
    )
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(join(dock.directory, 'run/mounts'))
    expect(
      await hostOutput('touch /o/x 2>/dev/null || echo refused; touch /o/a/v/y && echo written', {
        Binds: [`${outer}:/o:ro`, 'nested-volume:/o/a/v'],
      }),
    ).toBe('refused\nwritten')
  })

  it('passes mounts on as the propagation says', async () => {
    const shared = join(dock.directory, 'shared')
    mkdirSync(shared)
    mount({ source: 'none', target: shared, type: 'tmpfs' })
    mount({ source: '', target: shared, flags: MOUNT_FLAGS.shared })
    mkdirSync(join(shared, 'inner'))
    try {
      const watch = 'until grep -q /in/inner /proc/self/mounts; do sleep 0.05; done; echo arrived; exec sleep 1000'
      const id = await dock.run(watch, { host: { Binds: [`${shared}:/in:rslave`] } })
      mount({ source: 'none', target: join(shared, 'inner'), type: 'tmpfs' })
      await dock.printed(id, 'arrived')
      unmount(join(shared, 'inner'))
      const host = { Binds: [`${shared}:/out:rshared`], Privileged: true }
      const other = await dock.run('mount -t tmpfs none /out/inner && echo made; exec sleep 1000', { host })
      await dock.printed(other, 'made')
      expect(readFileSync('/proc/self/mounts', 'utf8')).toContain(join(shared, 'inner'))
      for (const container of [id, other]) await dock.engine.containers.remove(container, { force: true })
    } finally {
      unmount(join(shared, 'inner'))
      unmount(shared)
    }
  })
})
