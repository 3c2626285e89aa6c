import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detectCgroups } from '../../../src/runtime/linux/process/cgroups.ts'
import { Dock, isRoot, type RunOptions, readAll, readFrames, soon } from './support.ts'

const MIB = 1024 * 1024

describe.skipIf(!isRoot)('limits and isolation', () => {
  let dock: Dock
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    await dock.openEngine()
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const output = async (script: string, options: RunOptions = {}): Promise<string> =>
    (await dock.runToEnd(script, options)).output.trim()
  const limit = (id: string, controller: string, v1: string, v2: string): string => {
    const { version, mounts } = detectCgroups()
    const folder = join(mounts.get(controller) ?? '', dock.options.cgroupParent ?? '', id)
    return readFileSync(join(folder, version === '1' ? v1 : v2), 'utf8').trim()
  }

  it('sets memory, cpu and pids limits', async () => {
    const id = await dock.run('sleep 100', { host: { Memory: 64 * MIB, NanoCpus: 5e8, PidsLimit: 20 } })
    expect(limit(id, 'memory', 'memory.limit_in_bytes', 'memory.max')).toBe(String(64 * MIB))
    expect(limit(id, 'cpu', 'cpu.cfs_quota_us', 'cpu.max')).toMatch(/^50000/)
    expect(limit(id, 'pids', 'pids.max', 'pids.max')).toBe('20')
  })

  it('says when the kernel ended a container for its memory', async () => {
    // Memory that a tmpfs holds cannot be given back: the limit must bite.
    const id = await dock.create('dd if=/dev/zero of=/dev/shm/x bs=1M count=200; tail /dev/zero', {
      host: { Memory: 16 * MIB, MemorySwap: 16 * MIB, ShmSize: 256 * MIB },
    })
    const exited = dock.engine.containers.wait(id, { condition: 'next-exit' }, soon())
    await dock.engine.containers.start(id)
    expect(await exited).toEqual({ StatusCode: 137 })
    expect(await dock.state(id)).toMatchObject({ OOMKilled: true, ExitCode: 137 })
  })

  it('has the user, groups, working directory, host name and variables that were asked for', async () => {
    const options = { User: 'app', WorkingDir: '/data', Hostname: 'pilot', Env: ['OWN=x'] }
    const script = 'id -u; id -g; id -G; pwd; hostname; echo $OWN $FROM_IMAGE $HOME'
    expect(await output(script, options)).toBe('1000\n1001\n1001 50\n/data\npilot\nx 1 /data')
    expect(await output('id -u; id -g', { User: '4321:8765' })).toBe('4321\n8765')
    const unknown = await dock.create('true', { User: 'nobody-here' })
    await expect(dock.engine.containers.start(unknown)).rejects.toMatchObject({
      status: 400,
      message: 'unable to find user nobody-here: no matching entries in passwd file',
    })
  })

  it('has its own variables and none of the runtime’s, however many there are, and so have commands run inside', async () => {
    // More than a pipe holds at a time.
    const large = ['A', 'B', 'C'].map(name => `${name}=${'x'.repeat(100_000)}`)
    const names = ['A', 'B', 'C', 'FROM_IMAGE', 'HOME', 'HOSTNAME', 'PATH']
    const namesIn = (text: string): string[] => text.split('\n').map(line => line.replace(/=.*/, ''))
    expect(namesIn(await output('', { Cmd: ['env'], Env: large })).sort()).toEqual(names)
    const id = await dock.run('exec sleep 1000', { Env: large })
    const { Id } = await dock.engine.exec.create(id, { Cmd: ['env'], AttachStdout: true })
    const started = await dock.engine.exec.start(Id, { detach: false, tty: false })
    if (started === undefined) throw new Error('the command was to be attached to')
    const shown = readFrames(await readAll(started.stream)).map(([, text]) => text)
    expect(namesIn(shown.join('').trim()).sort()).toEqual(names)
    await dock.engine.containers.remove(id, { force: true })
  })

  it('gives docker default capabilities, and those asked for', async () => {
    const effective = async (options: RunOptions = {}): Promise<string> =>
      /CapEff:\s*(\w+)/.exec(await output('cat /proc/self/status', options))?.[1] ?? ''
    expect(await effective()).toBe('00000000a80425fb')
    expect(await effective({ User: 'app' })).toBe('0000000000000000')
    expect(await effective({ host: { CapDrop: ['ALL'], CapAdd: ['CAP_NET_ADMIN'] } })).toBe('0000000000001000')
    expect(BigInt(`0x${await effective({ host: { Privileged: true } })}`) & (1n << 21n)).not.toBe(0n)
  })

  it('keeps containers from what could harm the host', async () => {
    expect(await output('unshare -U true 2>&1 || echo refused')).toContain('refused')
    expect(await output('mount -t tmpfs none /tmp 2>&1 || echo refused')).toContain('refused')
    expect(await output('echo 1 >/proc/sys/kernel/panic 2>&1 || echo refused')).toContain('refused')
    expect(await output('touch /sys/x 2>&1 || echo refused')).toContain('refused')
    expect(await output('cat /proc/kcore 2>/dev/null | head -c 1; echo end')).toBe('end')
    expect(await output('grep NoNewPrivs /proc/self/status', { host: { SecurityOpt: ['no-new-privileges'] } })).toMatch(
      /1$/,
    )
    expect(await output('grep Seccomp: /proc/self/status')).toMatch(/2$/)
    expect(await output('grep Seccomp: /proc/self/status', { host: { SecurityOpt: ['seccomp=unconfined'] } })).toMatch(
      /0$/,
    )
  })

  it('can do what a privileged container can', async () => {
    const host = { Privileged: true }
    expect(await output('mount -t tmpfs none /tmp && echo mounted', { host })).toBe('mounted')
    expect(await output('ls /dev/kmsg', { host })).toBe('/dev/kmsg')
  })

  it('has a read-only root with room to write where it was given', async () => {
    const host = { ReadonlyRootfs: true, Tmpfs: { '/scratch': 'size=1m' }, ShmSize: 2 * MIB }
    expect(await output('touch /x 2>/dev/null || echo refused; touch /scratch/x && echo written', { host })).toContain(
      'refused\nwritten',
    )
    expect(await output('mount | grep /dev/shm', { host })).toContain('size=2048k')
  })

  it('has its ulimits, sysctls and oom score', async () => {
    const host = {
      Ulimits: [{ Name: 'nofile', Soft: 321, Hard: 654 }],
      Sysctls: { 'kernel.msgmax': '12345' },
      OomScoreAdj: 500,
    }
    const script = 'ulimit -Sn; ulimit -Hn; cat /proc/sys/kernel/msgmax /proc/self/oom_score_adj'
    expect(await output(script, { host })).toBe('321\n654\n12345\n500')
  })

  it('has an init that reaps when asked for', async () => {
    expect(await output('cat /proc/1/comm', { host: { Init: true } })).toMatch(/docker-init|tini/)
  })

  it('sees binds, read-only where asked', async () => {
    const host = { Binds: [`${join(dock.directory, 'image/data')}:/mnt/in:ro`] }
    expect(await output('cat /mnt/in/seed; touch /mnt/in/x 2>&1 || echo refused', { host })).toContain('refused')
  })

  it('refuses by name what it does not do', async () => {
    const refusal = (host: object) =>
      dock.create('true', { host }).then(
        () => '',
        (error: Error) => error.message,
      )
    expect(await refusal({ DeviceRequests: [{ Count: -1 }] })).toContain('HostConfig.DeviceRequests')
    expect(await refusal({ StorageOpt: { size: '1G' } })).toContain('HostConfig.StorageOpt')
    expect(await refusal({ SecurityOpt: ['label=type:x'] })).toContain('SecurityOpt')
    expect(await refusal({ LogConfig: { Type: 'syslog' } })).toContain('syslog')
    expect(await refusal({ Memory: 1000 })).toBe('Minimum memory limit allowed is 6MB')
    expect(await refusal({ NanoCpus: 1e12 })).toContain('Range of CPUs')
    // What clients send without meaning anything by it.
    expect(await refusal({ PidMode: '', Devices: [], IpcMode: 'private', ConsoleSize: [24, 80], BlkioWeight: 0 })).toBe(
      '',
    )
  })
})
