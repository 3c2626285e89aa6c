import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HostConfig } from '../../../src/docker-api/index.ts'
import { findProgram } from '../../../src/runtime/linux/process/run-command.ts'
import { DATA_ADDRESS, program32, program32WithData } from './machine-code.ts'
import { Dock, isRoot, type RunOptions, readAll } from './support.ts'

/** Enough of the host to run its perl, which can make any system call. */
const PERL: HostConfig = { Binds: ['/usr', '/lib', '/lib64'].map(folder => `${folder}:${folder}:ro`) }
const EPERM = 1
const ENOSYS = 38
/** Marks calls by the x32 table, which most kernels are built without. */
const X32 = 0x40000000

describe.skipIf(!isRoot)('a hostile image or request', () => {
  let dock: Dock
  /** A folder of the host that nobody may reach, and a file in it that nobody may change. */
  const target = mkdtempSync(join(tmpdir(), 'shoal-target-'))
  const secret = join(target, 'secret')
  beforeAll(async () => {
    writeFileSync(secret, 'untouched')
    dock = new Dock()
    dock.defer(() => rmSync(target, { recursive: true, force: true }))
    await dock.addImage()
    const variations: Readonly<Record<string, (root: string) => void>> = {
      'dev-absolute': root => replaceByLink(root, 'dev', target),
      'dev-relative': root => replaceByLink(root, 'dev', `../../../../../..${target}`),
      'proc-link': root => replaceByLink(root, 'proc', target),
      'sys-file': root => {
        rmSync(join(root, 'sys'), { recursive: true })
        writeFileSync(join(root, 'sys'), '')
      },
      'etc-links': root => {
        for (const name of ['passwd', 'group', 'hosts', 'hostname', 'resolv.conf'])
          replaceByLink(root, `etc/${name}`, secret)
      },
      'etc-folder-link': root => replaceByLink(root, 'etc', target),
      'passwd-fifo': root => {
        rmSync(join(root, 'etc/passwd'))
        execFileSync('sh', ['-c', `mkfifo ${join(root, 'etc/passwd')}`])
      },
      'passwd-huge': root => writeFileSync(join(root, 'etc/passwd'), 'x:x:1:1::/:/x\n'.repeat(400_000)),
      'passwd-odd': root =>
        writeFileSync(
          join(root, 'etc/passwd'),
          'app\n:::\nevil:x:0x0:0::/:/x\nover:x:4294967296:0::/:/x\n1000:x:0:0::/:/x\n',
        ),
      'volume-links': root => symlinkSync(target, join(root, 'out')),
    }
    for (const [tag, change] of Object.entries(variations)) await dock.addImage({ tag: `${tag}:latest`, change })
    await dock.openEngine()
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const output = async (script: string, options: RunOptions = {}): Promise<string> =>
    (await dock.runToEnd(script, options)).output.trim()
  const refusal = (script: string, options: RunOptions = {}): Promise<string> =>
    dock.runToEnd(script, options).then(
      ({ output: text }) => `ran: ${text}`,
      (error: Error) => error.message,
    )
  const expectUntouched = (): void => {
    expect(readFileSync(secret, 'utf8')).toBe('untouched')
    expect(execFileSync('ls', ['-A', target], { encoding: 'utf8' })).toBe('secret\n')
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(target)
  }

  it('has no descriptor of the engine or the runtime, started or exec’d, with a terminal or without', async () => {
    const list = 'for f in /proc/self/fd/*; do busybox readlink $f; done'
    const foreign = (text: string): string[] =>
      text
        .split(/\r?\n/)
        .filter(
          line =>
            line !== '' && !/^(pipe:\[\d+\]|\/dev\/null|\/dev\/pts\/\d+|\/proc\/\d+\/fd|\/dev\/console)$/.test(line),
        )
    expect(foreign(await output(list))).toEqual([])
    expect(foreign(await output(list, { Tty: true }))).toEqual([])
    expect(foreign(await output(list, { OpenStdin: true }))).toEqual([])
    const Healthcheck = { Test: ['CMD-SHELL', list], Interval: 1e8 }
    const id = await dock.run('sleep 1000', { Healthcheck })
    const { Health } = await untilProbed(id)
    expect(foreign(Health?.Log[0]?.Output ?? 'nothing')).toEqual([])
  })

  it.each(Array.from({ length: 20 }, (_, index) => `/proc/self/fd/${index}`).concat('/proc/1/cwd', '/proc/self/cwd'))(
    'does not get to the host by the working directory %s',
    async WorkingDir => {
      const script = `for up in . .. ../.. ../../.. ../../../.. ../../../../..; do cat $up${secret} 2>/dev/null; done; ls $PWD/${target.slice(1)} 2>/dev/null; echo end`
      expect(await refusal(script, { WorkingDir })).not.toContain('untouched')
      const id = await dock.run('sleep 1000')
      const exec = await dock.engine.exec.create(id, {
        Cmd: ['cat', `../../../..${secret}`],
        WorkingDir,
        AttachStdout: true,
      })
      const started = await dock.engine.exec.start(exec.Id, { detach: false, tty: false }).catch(() => undefined)
      let text = ''
      for await (const part of started?.stream ?? []) text += String(part)
      expect(text).not.toContain('untouched')
      await dock.engine.containers.remove(id, { force: true })
    },
  )

  it('cannot change the runtime’s program through /proc/self/exe', async () => {
    const runc = findProgram('runc') ?? ''
    const before = sum(runc)
    await refusal('', { Cmd: ['/proc/self/exe', '--version'] })
    const overwrite = 'while :; do for p in /proc/[0-9]*; do (echo x >$p/exe) 2>/dev/null; done; done'
    const id = await dock.run(overwrite, { host: { PidsLimit: 50 } })
    for (let round = 0; round < 5; round++) {
      const exec = await dock.engine.exec.create(id, { Cmd: ['/proc/self/exe', 'init'] })
      await dock.engine.exec.start(exec.Id, { detach: true, tty: false }).catch(() => undefined)
    }
    await dock.engine.containers.remove(id, { force: true })
    expect(sum(runc)).toBe(before)
    expect(await output('(echo x >/sbin/docker-init) 2>&1', { host: { Init: true } })).toMatch(/read-only|busy/i)
  })

  it.each([
    ['dev-absolute', 'symbolic link at /dev'],
    ['dev-relative', 'symbolic link at /dev'],
    ['proc-link', 'symbolic link at /proc'],
    ['sys-file', 'file at /sys'],
  ])('the image %s is refused at its start, and nothing of the host is touched', async (Image, why) => {
    expect(await refusal('true', { Image })).toContain(why)
    expect(await refusal('true', { Image, host: { Privileged: true } })).toContain(why)
    expectUntouched()
  })

  it.each(['etc-links', 'etc-folder-link'])('the links of the image %s lead nowhere outside of it', async Image => {
    expect(await refusal('cat /etc/passwd /etc/hosts', { Image })).not.toContain('untouched')
    expect(await refusal('true', { Image, User: 'root' })).not.toContain('untouched')
    expectUntouched()
  })

  it('account files that are a fifo, huge or odd hold up nobody and make nobody root', async () => {
    for (const User of ['', 'app', '7']) {
      expect(await refusal('id -u', { Image: 'passwd-fifo', User })).toContain('/etc/passwd is no regular file')
    }
    const id = await dock.run('rm /etc/passwd; busybox mkfifo /etc/passwd; echo made; exec sleep 1000')
    await dock.printed(id, 'made')
    const exec = await dock.engine.exec.create(id, { Cmd: ['true'] })
    await expect(dock.engine.exec.start(exec.Id, { detach: true, tty: false })).rejects.toThrow('is no regular file')
    expect(await refusal('true', { Image: 'passwd-huge' })).toContain('at most 4194304 are read')
    for (const User of ['app', 'evil', 'over']) {
      expect(await refusal('id -u', { Image: 'passwd-odd', User })).toContain(`unable to find user ${User}`)
    }
    expect(await refusal('id -u', { Image: 'passwd-odd', User: '1000' })).toContain('1000\n')
    for (const User of ['-1', '2147483648', '4294967296', '0:4294967296']) {
      expect(await refusal('id -u', { User })).toContain('uids and gids must be in range 0-2147483647')
    }
  })

  it('destinations of mounts behind links stay inside the root', async () => {
    const source = join(dock.directory, 'source')
    mkdirSync(source, { recursive: true })
    writeFileSync(join(source, 'mine'), '')
    for (const place of ['/out', '/out/deeper', '/out/../out/x']) {
      await refusal('true', { Image: 'volume-links', host: { Binds: [`${source}:${place}`] } })
      await refusal('true', { Image: 'volume-links', host: { Tmpfs: { [place]: '' } } })
      await refusal('true', { Image: 'volume-links', host: { Mounts: [{ Type: 'volume', Target: place }] } })
    }
    expectUntouched()
  })

  it('destinations that another container swaps for links while they are mounted stay inside the root', async () => {
    const source = join(dock.directory, 'race')
    mkdirSync(join(source, 'place'), { recursive: true })
    const swap = `cd /vol; while :; do rm -rf place; ln -s ${target} place; rm -f place; mkdir place; done`
    const swapper = await dock.run(swap, { host: { Binds: [`${source}:/vol`] } })
    const host = {
      Binds: [`${source}:/vol`, `${join(dock.directory, 'image/data')}:/vol/place/deep`],
      Tmpfs: { '/vol/place/t': '' },
    }
    for (let round = 0; round < 15; round++) {
      await refusal('cat /vol/place/deep/seed', { host })
      expectUntouched()
    }
    await dock.engine.containers.remove(swapper, { force: true })
  })

  it.each(['/proc', '/proc/sys', '/sys', '/dev', '/dev/pts', '/dev/null', '/dev/console'])(
    'cannot mount its own over %s',
    async place => {
      const own = join(dock.directory, 'own')
      mkdirSync(own, { recursive: true })
      expect(await refusal('true', { host: { Binds: [`${own}:${place}`] } })).toMatch(/cannot be mounted|inside \/proc/)
      const Mounts = [{ Type: 'volume', Target: place }] as const
      expect(await refusal('true', { host: { Mounts } })).toMatch(/cannot be mounted|inside \/proc/)
    },
  )

  it('has exactly docker’s capabilities, none of them inheritable', async () => {
    const sets = async (options: RunOptions): Promise<Record<string, string>> => {
      const text = await output('cat /proc/self/status', options)
      return Object.fromEntries(
        [...text.matchAll(/^(Cap\w+|NoNewPrivs|Seccomp):\s*(\w+)$/gm)].map(match => [match[1], match[2]]),
      )
    }
    const none = '0000000000000000'
    const all = '00000000a80425fb'
    expect(await sets({})).toMatchObject({ CapInh: none, CapPrm: all, CapEff: all, CapBnd: all, CapAmb: none })
    expect(await sets({ User: 'app' })).toMatchObject({
      CapInh: none,
      CapPrm: none,
      CapEff: none,
      CapBnd: all,
      CapAmb: none,
    })
    expect(await sets({ host: { CapDrop: ['ALL'] } })).toMatchObject({ CapPrm: none, CapEff: none, CapBnd: none })
    expect(await sets({ host: { CapDrop: ['ALL'], CapAdd: ['KILL'] } })).toMatchObject({ CapEff: '0000000000000020' })
    expect(await sets({ host: { SecurityOpt: ['no-new-privileges'] } })).toMatchObject({
      NoNewPrivs: '1',
      Seccomp: '2',
    })
  })

  it.each([{}, { Privileged: true }, { User: 'app' }, { User: 'app', Privileged: true }])(
    'gives an exec %j nothing to inherit, and in a privileged container neither',
    async request => {
      for (const Privileged of [false, true]) {
        const id = await dock.run('exec sleep 1000', { host: { Privileged } })
        const Cmd = ['grep', '-E', '^Cap(Inh|Amb)', '/proc/self/status']
        const exec = await dock.engine.exec.create(id, { Cmd, AttachStdout: true, ...request })
        const started = await dock.engine.exec.start(exec.Id, { detach: false, tty: true })
        const text = started === undefined ? '' : (await readAll(started.stream)).toString()
        expect(text.match(/Cap\w+:\s+0{16}(?=\s)/g)).toHaveLength(2)
        await dock.engine.containers.remove(id, { force: true })
      }
    },
  )

  it.each([
    ['unshare a user namespace', 272, [0x10000000], EPERM],
    ['unshare a mount namespace', 272, [0x20000], EPERM],
    ['clone a user namespace', 56, [0x10000000 + 17], EPERM],
    ['clone3', 435, [0, 0], ENOSYS],
    ['mount', 165, [0, 0, 0, 0, 0], EPERM],
    ['pivot_root', 155, [0, 0], EPERM],
    ['open_tree', 428, [0, 0, 0], EPERM],
    ['setns', 308, [0, 0], EPERM],
    ['keyctl', 250, [0, 0], EPERM],
    ['add_key', 248, [0, 0, 0, 0, 0], EPERM],
    ['bpf', 321, [0, 0, 0], EPERM],
    ['perf_event_open', 298, [0, 0, 0, 0, 0], EPERM],
    ['userfaultfd', 323, [0], EPERM],
    ['io_uring_setup', 425, [1, 0], EPERM],
    ['io_uring_enter', 426, [0, 0, 0, 0, 0], EPERM],
    ['io_uring_register', 427, [0, 0, 0, 0], EPERM],
    ['open_by_handle_at', 304, [0, 0, 0], EPERM],
    ['kexec_load', 246, [0, 0, 0, 0], EPERM],
    ['init_module', 175, [0, 0, 0], EPERM],
    ['reboot', 169, [0, 0, 0], EPERM],
    ['iopl', 172, [3], EPERM],
    ['settimeofday', 164, [0, 0], EPERM],
    ['a socket of AF_ALG', 41, [38, 5, 0], EPERM],
    ['a socket of AF_VSOCK', 41, [40, 1, 0], EPERM],
  ] as const)('may not call %s', async (_what, call, args, errno) => {
    const script = `perl -e '$r = syscall(${[call, ...args].join(', ')}); print $r, " ", $! + 0'`
    expect(await output(script, { Env: ['PATH=/usr/bin:/bin'], host: PERL })).toBe(`-1 ${errno}`)
  })

  it.each([
    ['unshare', X32 + 272, 0x10000000],
    ['make a socket of AF_ALG', X32 + 41, 38],
  ])('may not %s by the x32 table either', async (_what, call, argument) => {
    const script = `perl -e 'print syscall(${call}, ${argument}, 5, 0), " ", $! + 0'`
    const answer = await output(script, { Env: ['PATH=/usr/bin:/bin'], host: PERL })
    expect(answer).toMatch(/^(-1 (1|38)|Bad system call)/)
  })

  it('runs 32-bit programs, which may not do more', async () => {
    const programs = {
      getpid: program32(20, []),
      inet: program32(359, [2, 1, 0]),
      alg: program32(359, [38, 5, 0]),
      inetByMultiplexer: program32WithData(102, [1, DATA_ADDRESS], [2, 1, 0]),
      unshare: program32(310, [0x10000000]),
      keyctl: program32(288, [0, 0]),
    }
    for (const [name, code] of Object.entries(programs)) writeFileSync(join(target, name), code, { mode: 0o755 })
    const script = Object.keys(programs)
      .map(name => `/p/${name}; echo ${name} $?`)
      .join('; ')
    const text = await output(script, { host: { Binds: [`${target}:/p:ro`] } })
    for (const name of Object.keys(programs)) rmSync(join(target, name))
    expect(text.split('\n')).toEqual(['getpid 0', 'inet 0', 'alg 1', 'inetByMultiplexer 0', 'unshare 1', 'keyctl 1'])
  })

  it('obeys a profile of its own', async () => {
    const names = ['mkdir', 'mkdirat']
    const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action: 'SCMP_ACT_ERRNO', errnoRet: 30 }] }
    const host = { SecurityOpt: [`seccomp=${JSON.stringify(profile)}`] }
    expect(await output('mkdir /tmp/x 2>&1; touch /tmp/y && echo touched', { host: host })).toMatch(
      /Read-only file system\ntouched$/,
    )
  })

  it('cannot get at control groups, release agents least of all', async () => {
    const script = `
      for f in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/*/notify_on_release; do
        (echo /x >$f) 2>/dev/null && echo wrote $f; done
      mkdir /tmp/cg; mount -t cgroup -o cpu none /tmp/cg 2>/dev/null && echo mounted
      for c in /sys/fs/cgroup/*; do mkdir $c/mine 2>/dev/null && echo made $c; done; echo end`
    expect(await output(script)).toBe('end')
    expect(await output(script, { host: { CgroupnsMode: 'private' } })).toBe('end')
  })

  it('finds the kernel’s own files masked or read-only', async () => {
    const script = `
      for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sysrq-trigger /proc/irq/default_smp_affinity \\
               /proc/bus/x /proc/fs/x /sys/kernel/uevent_helper /sys/power/state; do
        (: >>$f) 2>/dev/null && echo wrote $f; done
      for f in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/latency_stats /proc/interrupts; do
        [ -n "$(head -c 1 $f 2>/dev/null)" ] && echo read $f; done
      ls /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap 2>/dev/null | grep -v : ; ls /sys/kernel/security; echo end`
    expect(await output(script)).toBe('end')
    expect(await output(script, { host: { CgroupnsMode: 'private', PidMode: 'host' } })).toBe('end')
  })

  it('sees no socket of the engine in the host’s network', async () => {
    const abstract = (text: string): string[] => [...text.matchAll(/ (@\S+)$/gm)].map(match => match[1] ?? '')
    const seen = abstract(await output('cat /proc/net/unix', { host: { NetworkMode: 'host' } }))
    expect(seen.filter(name => /shoal|conmon|runc|containerd/.test(name))).toEqual([])
  })

  async function untilProbed(id: string) {
    for (;;) {
      const state = await dock.state(id)
      if ((state.Health?.Log.length ?? 0) > 0) return state
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
})

function replaceByLink(root: string, path: string, to: string): void {
  rmSync(join(root, path), { recursive: true, force: true })
  symlinkSync(to, join(root, path))
}

function sum(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
