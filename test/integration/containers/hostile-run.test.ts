import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineEvent } from '../../../src/docker-api/index.ts'
import { makeTar, readTar } from '../../support/tar-entries.ts'
import { Dock, eventually, isRoot, soon } from './support.ts'

const MIB = 1024 * 1024
/** Where commands of the tests below would leave their mark on the host. */
const MARK = '/tmp/shoal-hostile-mark'

describe.skipIf(!isRoot)('a hostile container', () => {
  let dock: Dock
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    const shell = `$(touch ${MARK})\`touch ${MARK}\`;touch ${MARK}|touch ${MARK}\n`
    await dock.addImage({
      tag: 'shell:latest',
      config: {
        Labels: { [shell]: shell, '../../../x': shell },
        Env: [`A=${shell}`, `PATH=/bin:${shell}`],
        WorkingDir: `/w ${shell}`,
        Volumes: { [`/v ${shell}`]: {}, '/../../../../../../tmp/shoal-hostile-volume': {} },
        Healthcheck: { Test: ['CMD-SHELL', `touch ${MARK}; echo probed`], Interval: 1e8 },
        StopSignal: 'SIGINT',
        Shell: ['/bin/sh', '-c'],
      },
    })
    const odd: Readonly<Record<string, object>> = {
      'bad-cmd': { Cmd: { a: 1 } },
      'bad-labels': { Labels: { a: { b: 1 } } },
      'bad-env': { Env: ['=x'] },
      'bad-signal': { StopSignal: '; reboot' },
      'bad-workdir': { WorkingDir: 'relative/../..' },
      'bad-health': { Healthcheck: { Test: ['SHELL', 'x'] } },
      'bad-user': { User: { toString: 1 } },
      'nul-bytes': { Cmd: ['sh', '-c', 'a\0b'] },
    }
    for (const [tag, config] of Object.entries(odd)) await dock.addImage({ tag: `${tag}:latest`, config })
    await dock.openEngine()
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const events = (): { readonly seen: EngineEvent[]; readonly stop: () => void } => {
    const seen: EngineEvent[] = []
    const controller = new AbortController()
    const read = async (): Promise<void> => {
      for await (const event of dock.engine.events({}, controller.signal)) seen.push(event)
    }
    read().catch(() => {})
    return { seen, stop: () => controller.abort() }
  }

  it('whose image’s configuration is full of shell words runs with them as they are', async () => {
    const id = await dock.run('pwd; echo ready; exec sleep 1000', { Image: 'shell' })
    await dock.printed(id, 'ready')
    expect(await dock.output(id)).toMatch(/^\/w \$\(touch/)
    const { Health } = await eventually(
      () => dock.state(id),
      state => (state.Health?.Log.length ?? 0) > 0,
    )
    expect(Health?.Log[0]?.Output).toBe('probed\n')
    const { Mounts } = await dock.engine.containers.inspect(id)
    const places = Mounts.map(({ Destination }) => Destination)
    expect(places).toHaveLength(2)
    expect(places).toContain('/tmp/shoal-hostile-volume')
    expect(places).toContainEqual(expect.stringMatching(/^\/v \$\(touch/))
    for (const { Source } of Mounts) expect(Source.startsWith(join(dock.options.dataRoot, 'volumes'))).toBe(true)
    await dock.engine.containers.stop(id, { timeoutMs: 0 })
    await dock.engine.containers.remove(id, { volumes: true })
    expect(existsSync(MARK)).toBe(false)
    expect(existsSync('/tmp/shoal-hostile-volume')).toBe(false)
  })

  it.each([
    ['bad-cmd', 'The image is refused'],
    ['bad-labels', 'The image is refused'],
    ['bad-env', 'invalid environment variable'],
    ['bad-signal', 'Invalid signal: ; reboot'],
    ['bad-workdir', 'needs to be an absolute path'],
    ['bad-health', 'Unknown Type in Healthcheck Test'],
    ['bad-user', 'The image is refused'],
  ])('cannot be made of the image %s', async (Image, why) => {
    await expect(dock.create('true', { Image })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(why) as string,
    })
  })

  it('cannot be made of an image whose command has NUL bytes, but with another command', async () => {
    await expect(dock.engine.containers.create({ Image: 'nul-bytes' }, {})).rejects.toMatchObject({ status: 400 })
    expect((await dock.runToEnd('echo fine', { Image: 'nul-bytes' })).output).toBe('fine\n')
  })

  it('that is a fork bomb has its processes, and the engine goes on', async () => {
    // The first process makes one other while there is room, and no more: a shell that cannot ends.
    const id = await dock.run('bomb() { bomb | bomb & }; (bomb) & exec sleep 1000', { host: { PidsLimit: 40 } })
    for (let round = 0; round < 5; round++) {
      const { code, output } = await dock.runToEnd('echo beside')
      expect([code, output]).toEqual([0, 'beside\n'])
    }
    expect((await dock.state(id)).Status).toBe('running')
    await dock.engine.containers.remove(id, { force: true })
    const { cgroupParent = '' } = dock.options
    expect(existsSync(join('/sys/fs/cgroup/pids', cgroupParent, id))).toBe(false)
  })

  it('that takes all the memory it may is ended for it, told of at once, and others are not', async () => {
    const beside = await dock.run('sleep 1000')
    const watching = events()
    // Its first process lives on when another is ended.
    const script =
      'dd if=/dev/zero of=/dev/shm/x bs=1M count=200 2>/dev/null; rm /dev/shm/x; echo went on; exec sleep 1000'
    const host = { Memory: 16 * MIB, MemorySwap: 16 * MIB, ShmSize: 256 * MIB }
    const id = await dock.run(script, { host })
    await eventually(
      () => watching.seen.filter(({ Action }) => Action === 'oom').length,
      count => count === 1,
    )
    await dock.printed(id, 'went on')
    expect((await dock.state(id)).Status).toBe('running')
    await dock.engine.containers.stop(id, { timeoutMs: 0 })
    expect(await dock.state(id)).toMatchObject({ OOMKilled: true, ExitCode: 137 })
    expect(watching.seen.filter(({ Action }) => Action === 'oom')).toHaveLength(1)
    watching.stop()
    expect((await dock.state(beside)).Status).toBe('running')
    await dock.engine.containers.remove(beside, { force: true })
  })

  it('that floods its log neither fills the disk nor holds up others', async () => {
    const LogConfig = { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } }
    const line = 'x'.repeat(1_000)
    const id = await dock.run(`while :; do echo ${line}; done`, { host: { LogConfig } })
    for (let round = 0; round < 5; round++) expect((await dock.runToEnd('echo beside')).output).toBe('beside\n')
    expect((await dock.engine.containers.list({})).map(({ Id }) => Id)).toContain(id)
    await dock.engine.containers.stop(id, { timeoutMs: 0 })
    await dock.engine.containers.remove(id, {})
  })

  it('that fills its temporary file systems finds them full, and nobody else does', async () => {
    const host = { Tmpfs: { '/t': 'size=1m' }, ShmSize: MIB }
    const script =
      'for f in /t /dev/shm; do dd if=/dev/zero of=$f/x bs=64k count=64 2>&1 | grep -o "No space left"; done'
    expect((await dock.runToEnd(script, { host })).output).toBe('No space left\nNo space left\n')
    expect((await dock.runToEnd('dd if=/dev/zero of=/dev/shm/x bs=64k count=64 2>&1 | tail -n 1')).output).toMatch(
      /64\+0 records out/,
    )
  })

  it('has none of its programs or libraries run by who copies, commits, lists or measures it', async () => {
    const programs = [
      'gzip',
      'gunzip',
      'unpigz',
      'pigz',
      'bzip2',
      'xz',
      'unxz',
      'zstd',
      'tar',
      'ps',
      'ls',
      'cat',
      'nsenter',
    ]
    const script = `busybox mkdir -p /evil /lib/x86_64-linux-gnu /usr/bin /sbin
      for name in ${programs.join(' ')}; do
        printf '#!/bin/sh\\nbusybox touch /mark ${MARK}\\n' >/evil/$name; busybox chmod 755 /evil/$name
      done
      for folder in /usr/bin /sbin; do busybox cp /evil/* $folder; done
      printf 'passwd: evil\\ngroup: evil\\n' >/etc/nsswitch.conf
      echo no library >/lib/x86_64-linux-gnu/libnss_evil.so.2
      echo ready; exec sleep 1000`
    const id = await dock.run(script, { Env: ['PATH=/evil:/bin'] })
    await dock.printed(id, 'ready')
    const { containers, images } = dock.engine
    const packed = gzipSync(await buffer(makeTar([['copied', 'copied']])))
    await containers.writeArchive(id, '/tmp', { archive: Readable.from([packed]), signal: soon() })
    expect((await readTar((await containers.readArchive(id, '/tmp/copied')).archive)).get('copied')?.content).toBe(
      'copied',
    )
    await buffer(await containers.export(id))
    await containers.changes(id)
    await containers.top(id, { psArgs: '-ef' })
    for await (const _sample of containers.stats(id, { stream: false }, soon()));
    await images.remove(await containers.commit(id, {}), { force: true })
    const isMarked = async (): Promise<boolean> =>
      (await containers.changes(id)).some(({ Path }) => Path === '/mark') || existsSync(MARK)
    expect(await isMarked()).toBe(false)
    // And they are what they seem: whoever runs one is seen.
    const exec = await dock.engine.exec.create(id, { Cmd: ['gzip'] })
    await dock.engine.exec.start(exec.Id, { detach: true, tty: false })
    await eventually(isMarked, marked => marked)
    await containers.remove(id, { force: true })
  })

  it('whose probe prints without end gets 4 KB of it kept, five times at the most, and no more rights', async () => {
    const probe = 'id -u; grep CapEff /proc/self/status; head -c 300000 /dev/zero | busybox tr "\\0" x; exit 1'
    const Healthcheck = { Test: ['CMD-SHELL', probe], Interval: 5e7, Retries: 2 }
    const id = await dock.run('exec sleep 1000', { User: 'app', Healthcheck })
    const { Health } = await eventually(
      () => dock.state(id),
      state => (state.Health?.FailingStreak ?? 0) > 6,
    )
    expect(Health?.Status).toBe('unhealthy')
    expect(Health?.Log).toHaveLength(5)
    for (const { Output } of Health?.Log ?? []) {
      expect(Output).toMatch(/^1000\nCapEff:\s+0000000000000000\nx+\.\.\.$/)
      expect(Output.length).toBe(4096 + '...'.length)
    }
    await dock.engine.containers.stop(id, { timeoutMs: 0 })
    expect((await dock.state(id)).Health?.Status).toBe('unhealthy')
    await dock.engine.containers.start(id)
    expect((await dock.state(id)).Health).toMatchObject({ Status: 'starting', FailingStreak: 0, Log: [] })
  })

  it('whose probe never ends is probed again all the same', async () => {
    const Healthcheck = { Test: ['CMD-SHELL', 'sleep 1000'], Interval: 5e7, Timeout: 1e8, Retries: 2 }
    const id = await dock.run('exec sleep 2000', { Healthcheck })
    const { Health } = await eventually(
      () => dock.state(id),
      state => state.Health?.Status === 'unhealthy',
    )
    expect(Health?.Log[0]).toMatchObject({ ExitCode: -1, Output: 'Health check exceeded timeout (100ms)' })
    await dock.engine.containers.stop(id, { timeoutMs: 0 })
    const left = readdirSync('/proc').filter(name => /^\d+$/.test(name) && commandOf(name).includes(id))
    expect(left).toEqual([])
  })

  it('cannot get at the engine’s own folders, which are root’s alone', async () => {
    const id = await dock.run('mount; exec sleep 1000', { host: { Binds: ['own-volume:/v'] } })
    const { execRoot, dataRoot } = dock.options
    for (const folder of ['containers', 'execs', 'exits', 'runtime', 'shm', 'mounts', `containers/${id}`]) {
      expect(statSync(join(execRoot, folder)).mode & 0o077).toBe(0)
    }
    expect(statSync(join(dataRoot, 'containers')).mode & 0o077).toBe(0)
    await dock.printed(id, '/v')
    const seen = (await dock.output(id)).split('\n').filter(line => line.includes(dock.directory))
    // Its own layers are told of by the kernel; nothing else is there.
    expect(seen.filter(line => !line.startsWith('overlay on / '))).toEqual([])
    expect(existsSync(join(execRoot, 'containers', id, 'attach'))).toBe(true)
  })

  it('ends with everything it had, whatever it left running', async () => {
    const script = 'for i in 1 2 3; do (trap "" TERM HUP; sleep 1000 & sleep 1000) & done; echo ready; sleep 1000'
    const id = await dock.run(script)
    await dock.printed(id, 'ready')
    const gone = dock.engine.containers.wait(id, { condition: 'removed' }, soon())
    await dock.engine.containers.remove(id, { force: true })
    await gone
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(id)
    const left = readdirSync('/proc').filter(name => /^\d+$/.test(name) && commandOf(name).includes(id))
    expect(left).toEqual([])
  })
})

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
