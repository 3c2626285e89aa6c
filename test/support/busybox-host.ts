import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { machine, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { unpackPackages } from '../../scripts/lib/debian-root.ts'
import { Hosts } from '../../scripts/lib/hosts.ts'
import { CollectedOutput } from '../../src/machine/ssh/collect-output.ts'
import type { RemoteResult, RunOptions, Transport } from '../../src/machine/ssh/transport.ts'

const BUSYBOX = '/bin/busybox'
/** Programs that distributions with busybox have in a package, or in a busybox with more in it than Debian's. */
const BESIDE = ['/usr/bin/flock', '/usr/sbin/ip', '/usr/bin/openssl']
/** What the host needs to have but not to run. */
const EMPTY = ['/usr/bin/runc', '/usr/bin/conmon', '/usr/sbin/nft', '/usr/share/containers/seccomp.json']
/** Applets of Debian's busybox that would make other distributions out of it. */
const LEFT_OUT = /^(?:busybox|dpkg|dpkg-deb|rpm|rpm2cpio)$/

/** Mounts what a root of its own needs: itself, as df knows only mounts; the kernel's; libraries for Node; these sources. */
const MOUNT = `set -e
mount --bind "$1" "$1"
for place in proc sys dev; do mount --rbind "/$place" "$1/$place"; done
mount -t tmpfs -o mode=755 tmpfs "$1/run"
mount --bind /usr/lib/${machine()}-linux-gnu "$1/usr/lib/${machine()}-linux-gnu"
mount --bind /usr/lib64 "$1/usr/lib64"
mount --bind "$2" "$1/opt/source"
`

export interface BusyboxHostOptions {
  /** Name of its bridge, and its subnet's first three numbers. */
  readonly bridge: string
  readonly subnet: string
}

/** A host without systemd and without the GNU programs: all it has is busybox, and what packages must bring. */
export class BusyboxHost implements Transport {
  readonly root: string
  readonly address: string
  readonly #directory: string
  readonly #hosts: Hosts

  private constructor(directory: string, { bridge, subnet }: BusyboxHostOptions) {
    this.#directory = directory
    this.root = join(directory, 'root')
    this.address = `${subnet}.11`
    this.#hosts = new Hosts({ directory: join(directory, 'hosts'), bridge, gateway: `${subnet}.1` })
  }

  static async open(options: BusyboxHostOptions): Promise<BusyboxHost> {
    const host = new BusyboxHost(await mkdtemp(join(tmpdir(), 'shoal-busybox-')), options)
    makeRoot(host.root)
    await host.#hosts.open()
    await host.#hosts.start(NAME, host.address)
    await host.#hosts.run(NAME, ['sh', '-c', MOUNT, 'mount', host.root, resolve('.')])
    return host
  }

  /** Has a program of this machine run scripts from now on, as which /bin/sh is called: busybox too goes by that name. */
  useShell(program: string): void {
    rmSync(join(this.root, 'bin/sh'))
    copyFileSync(program, join(this.root, 'bin/sh'))
  }

  /** Gives it OpenRC, as after a boot into the runlevel `default`. */
  async addOpenrc(): Promise<void> {
    const unpacked = join(this.#directory, 'openrc')
    await unpackPackages(unpacked, ['openrc'])
    const programs = ['openrc', 'openrc-run', 'rc-service', 'rc-update'].map(name => `sbin/${name}`)
    for (const path of [...programs, 'lib/rc', 'etc/rc.conf']) {
      cpSync(join(unpacked, path), join(this.root, path), { recursive: true })
    }
    // The folder of this machine's libraries is what the host has, too.
    for (const name of ['librc.so.1', 'libeinfo.so.1']) {
      copyFileSync(join(unpacked, `lib/${machine()}-linux-gnu`, name), join(this.root, 'usr/lib', name))
    }
    const states =
      'started starting stopping inactive wasinactive failed hotplugged daemons options exclusive scheduled tmp'
    const folders = states.split(' ').map(name => `/run/openrc/${name}`)
    await this.sh(`mkdir -p /etc/runlevels/default ${folders.join(' ')}; echo default > /run/openrc/softlevel`)
  }

  run(words: readonly string[], { stdin = '', timeoutMs, onLine }: RunOptions): Promise<RemoteResult> {
    const [program = '', ...args] = [...this.#hosts.enter(NAME), 'chroot', this.root, ...words]
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' }
    return new Promise((done, reject) => {
      const child = spawn(program, args, { env, timeout: timeoutMs, killSignal: 'SIGKILL' })
      const out = new CollectedOutput(child.stdout, 'stdout', onLine)
      const err = new CollectedOutput(child.stderr, 'stderr', onLine)
      child.on('error', reject)
      child.on('close', code => done({ code: code ?? 255, stdout: out.finish(), stderr: err.finish() }))
      child.stdin.on('error', () => {})
      child.stdin.end(stdin)
    })
  }

  /** Runs a script of a test, by whatever is its shell. */
  async sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(['sh', '-c', script], { timeoutMs: 60_000 })
    if (code !== 0) throw new Error(`${script}: exit code ${code}: ${stderr}`)
    return stdout
  }

  /** Processes of it whose command line matches. */
  pids(pattern: RegExp): number[] {
    return this.#hosts.pids(NAME, pattern)
  }

  dialSocket(): Promise<never> {
    return Promise.reject(new Error('Nothing is dialled'))
  }

  /** A connection of nothing: the host goes on. */
  async close(): Promise<void> {}

  async remove(): Promise<void> {
    await this.#hosts.removeAll()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

const NAME = 'b1'

function makeRoot(root: string): void {
  const libraries = `usr/lib/${machine()}-linux-gnu`
  const folders = ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'usr/lib64', libraries, 'proc', 'sys', 'dev', 'run', 'tmp']
  for (const name of [...folders, 'etc/sysctl.d', 'etc/init.d', 'var/lib', 'var/log', 'opt/source', 'root']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  for (const name of ['lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name))
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'))
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const name of applets.filter(each => !LEFT_OUT.test(each))) symlinkSync('/bin/busybox', join(root, 'bin', name))
  for (const path of BESIDE) copyFileSync(path, join(root, path))
  for (const path of EMPTY) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), '', { mode: 0o755 })
  }
  writeFileSync(join(root, 'etc/os-release'), 'ID=small\nPRETTY_NAME="Small Linux"\n')
}
